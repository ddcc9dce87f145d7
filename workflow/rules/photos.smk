# Photos of people to aligned faces, for those who have no aligned set. A preparation that is killed
# continues from <results>/resume.


rule fetch_yunet:
    """A step of prepare_faces: the detector yunet, downloaded once."""
    output:
        ensure(photos.yunet_file, sha256=photos.yunet_sha256),
    log:
        "<logs>/fetch_yunet.log",
    benchmark:
        "<benchmarks>/fetch_yunet.jsonl"
    retries: 2
    resources:
        mem_mb=200,
    message:
        "Downloading the face detector YuNet"
    shell:
        "python -m dlvae.photos.detectors.yunet_model --out {output} > {log} 2>&1"


rule prepare_faces:
    """Aligned faces of a folder of photos: --config photos=PATH, one folder for each person in it."""
    input:
        model=lambda wildcards: photos.model(),
    output:
        train=directory("<results>/aligned_faces/train"),
        test=directory("<results>/aligned_faces/test"),
        report="<results>/aligned_faces/report.md",
        table="<results>/aligned_faces/photos.csv",
        sheet="<results>/aligned_faces/contact_sheet.png",
        manifest="<results>/aligned_faces/manifest.json",
    log:
        "<logs>/prepare_faces.log",
    benchmark:
        "<benchmarks>/prepare_faces.jsonl"
    # People side by side; the faces do not depend on how many.
    threads: 4
    resources:
        mem_mb=by_attempt(3000),
        runtime=by_attempt(JUDGE_MINUTES),
    params:
        root=lambda wildcards: photos.folder(),
        stamp=lambda wildcards: photos.stamp(),
        config=photos.settings(),
        model=lambda wildcards, input: f"--model '{input.model}'" if input.model else "",
        out=subpath(output.report, parent=True),
        resume=f"{plan.results}/resume/aligned_faces",
        code=code_of("dlvae.photos.__main__"),
    message:
        "Aligning the faces of the photos in {params.root}"
    shell:
        "python -m dlvae.photos --root {params.root:q} --out {params.out} --resume {params.resume}"
        " {params.model} --config {params.config:q} --threads {threads} 2>&1 | tee {log}"
