#!/usr/bin/env bash
# `table1` of the preset smoke through a Slurm that is started here for it, two jobs at once; one
# training is killed and submitted again, another is requeued as a preempted one is, and the table
# has the bytes of a local run. The log of it all is kept.
#
#   apt-get install slurm-wlm munge && pip install -c constraints.txt -e '.[slurm]'
#   tests/cluster/slurm_on_one_machine.sh [LOG]       LOG: docs/slurm_on_one_machine.log
#
# As root, for Slurm's daemons change users; in a clone, so what counts is what is committed. Both
# GPUs are null devices: what is tried is that jobs ask for them and get one each.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
log=$(realpath "${1:-$root/docs/slurm_on_one_machine.log}")
work=$(mktemp -d)
host=$(hostname -s)
daemons=()
failed=0

for needed in munged slurmctld slurmd sbatch; do
    command -v "$needed" >/dev/null || PATH=$PATH:/usr/sbin
    command -v "$needed" >/dev/null || {
        echo "error: expected $needed, found none; apt-get install slurm-wlm munge" >&2
        exit 2
    }
done

end() {
    # The last that was started first: the run, its jobs, which outlive the daemons, the daemons.
    test -z "${run:-}" || kill -KILL "$run" 2>/dev/null || true
    if test -n "${SLURM_CONF:-}" && test -n "$(squeue -h 2>/dev/null)"; then
        scancel --full --signal=KILL $(squeue -h -t RUNNING -o %i) 2>/dev/null || true
        scancel $(squeue -h -o %i) 2>/dev/null || true
        for _ in {1..20}; do test -z "$(squeue -h 2>/dev/null)" && break || sleep 0.5; done
    fi
    for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
        kill "${daemons[i]}" 2>/dev/null || continue
        for _ in {1..20}; do kill -0 "${daemons[i]}" 2>/dev/null && sleep 0.5 || break; done
        kill -KILL "${daemons[i]}" 2>/dev/null || true
    done
    # What is still at work in the checkout of this run, and nothing else.
    cd /
    for process in /proc/[0-9]*; do
        case $(readlink "$process/cwd" 2>/dev/null) in
            "$work"/checkout*) kill -KILL "${process#/proc/}" 2>/dev/null || true ;;
        esac
    done
    rm -rf "$work"
}
trap end EXIT

say() { printf '== %4d s  %s\n' "$SECONDS" "$*" | tee -a "$log"; }
show() { "$@" 2>&1 | sed "s#$work#WORK#g" | tee -a "$log"; }
check() { # what, command: its verdict goes into the log
    if "${@:2}" >/dev/null 2>&1; then say "ok: $1"; else say "FAILED: $1" && failed=1; fi
}

configure() {
    mkdir "$work"/{munge,state,spool,logs}
    chmod 700 "$work/munge" # munged refuses a key that others could replace
    head -c 1024 /dev/urandom >"$work/munge/key"
    chmod 400 "$work/munge/key"
    for gpu in 0 1; do mknod "$work/gpu$gpu" c 1 3; done
    cat >"$work/gres.conf" <<EOF
NodeName=$host Name=gpu File=$work/gpu[0-1]
EOF
    cat >"$work/slurm.conf" <<EOF
ClusterName=one_machine
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
SlurmctldPort=26817
SlurmdPort=26818
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
MpiDefault=none
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=12000 Gres=gpu:2
PartitionName=all Nodes=ALL Default=YES MaxTime=1-0 State=UP
EOF
    export SLURM_CONF=$work/slurm.conf
    # The plugin starts srun without it, as a cluster has its settings in /etc/slurm.
    mkdir "$work/bin"
    printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$SLURM_CONF" "$(command -v srun)" >"$work/bin/srun"
    chmod +x "$work/bin/srun"
    export PATH=$work/bin:$PATH
}

start() { # name, command: in the foreground of a process of its own, to be ended by its id
    nice -n 10 "${@:2}" >"$work/logs/$1" 2>&1 &
    daemons+=($!)
}

await() { # seconds, what, command
    local until=$((SECONDS + $1))
    until "${@:3}" >/dev/null 2>&1; do
        ((SECONDS < until)) || { say "FAILED: waited $1 s for $2" && tail -n 5 "$work"/logs/* >&2; exit 1; }
        sleep 1
    done
}

daemons_up() {
    local key=$work/munge
    start munged munged --foreground --force --key-file="$key/key" --socket="$key/socket" \
        --pid-file="$key/pid" --log-file="$key/log" --seed-file="$key/seed"
    await 20 munged test -S "$key/socket"
    start slurmctld slurmctld -D
    start slurmd slurmd -D -N "$host"
    await 60 "an idle node" bash -c 'sinfo -h -o %T | grep -qx idle'
}

# Trainings that are long enough to be disturbed.
declare -A length=([digits]=500 [synthetic_faces]=150)
datasets="{digits: {train: {steps: ${length[digits]}}}"
datasets+=", synthetic_faces: {train: {steps: ${length[synthetic_faces]}}}}"
settings=(--config preset=smoke models='[ours]' fitted='[]' datasets="$datasets")
through_slurm() {
    # Short jobs go together, one core of them at a time. A cluster with accounting needs none of
    # the three settings of the plugin.
    exec nice -n 10 python -m snakemake --profile profiles/slurm --jobs 2 --latency-wait 10 \
        --groups evaluator_member=judges features=features score=scores \
        --group-components judges=6 features=6 scores=8 --cores 1 \
        --slurm-no-account --slurm-status-command squeue \
        --slurm-init-seconds-before-status-checks 5 table1 "${settings[@]}"
}

id_of() { squeue -h -t RUNNING -o '%i %k' | awk -v rule="rule_train_wildcards_$1" '$2 ~ rule {print $1}'; }
entries() { cat "$checkout/results/smoke/logs/train/$1/ours/seed0.jsonl" 2>/dev/null | wc -l; }
gpu_of() { # what a training of a job sees in its environment
    for process in $(scontrol listpids "$1" 2>/dev/null | awk 'NR > 1 && $1 > 0 {print $1}'); do
        if grep -qz dlvae.train "/proc/$process/cmdline" 2>/dev/null; then
            tr '\0' '\n' <"/proc/$process/environ" | grep ^CUDA_VISIBLE_DEVICES= || true
            return
        fi
    done
}
trained_for_a_while() { test -n "$(id_of "$1")" && (($(entries "$1") >= 3)); }
two_trainings() { test -n "$(gpu_of "$(id_of digits)")" && test -n "$(gpu_of "$(id_of synthetic_faces)")"; }

disturb() {
    await 900 "a saved state of digits" trained_for_a_while digits
    killed=$(id_of digits)
    say "job $killed, a training of digits: kill -9 of all its processes"
    scancel --full --signal=KILL "$killed"
    await 900 "two trainings at once" two_trainings
    say "two trainings at once, each sees one GPU of its own:"
    show squeue -t RUNNING -o '%.6i %.9T %.4C %.7m %.10l %k'
    digits=$(id_of digits) faces=$(id_of synthetic_faces)
    say "job $digits: $(gpu_of "$digits"), job $faces: $(gpu_of "$faces")"
    check "they are different ones" test "$(gpu_of "$digits")" != "$(gpu_of "$faces")"
    await 900 "a saved state of synthetic_faces" trained_for_a_while synthetic_faces
    say "job $faces, a training of synthetic_faces: requeued, as Slurm does with a preempted job"
    scontrol requeue "$faces"
}

steps_of() { grep -oP '"step": \K[0-9]+' "$checkout/results/smoke/logs/train/$1/ours/seed0.jsonl" | xargs; }
resumed_at() { # Snakemake starts this log anew with each attempt: it is of the last one
    grep -oP ': resumed at step \K[0-9]+(?= of)' "$checkout/results/smoke/logs/train/$1/ours/seed0.log" | tail -n 1
}
resumed() { # the last attempt went on after step 1, and the run log has every entry of all once
    read -ra steps <<<"$(steps_of "$1")"
    # `set -e` is off in what `check` calls, so a part that fails has to say so itself.
    (($(resumed_at "$1") > 1 && steps[0] == 1 && steps[-1] == length[$1])) || return 1
    printf '%s\n' "${steps[@]}" | sort --numeric-sort --unique --check
}

: >"$log"
say "Slurm $(slurmctld -V | cut -d' ' -f2), $(python -m snakemake --version | sed 's/^/Snakemake /'), $(uname -m)," \
    "commit $(git -C "$root" rev-parse --short HEAD), $(date -u +%F)"
checkout=$work/checkout
git clone --quiet "$root" "$checkout"
cd "$checkout"
export PYTHONPATH=$checkout
say "GPUs of the host that submits: $(python -c 'from workflow.plan.resources import gpus_here; print(gpus_here())')"
configure
daemons_up
say "the cluster:"
show sinfo -N -o '%N %T %c %m %G'

through_slurm >"$work/snakemake.log" 2>&1 &
run=$!
disturb
wait "$run" || { say "FAILED: Snakemake ended with an error" && show tail -n 40 "$work/snakemake.log"; exit 1; }
say "Snakemake is done"
show grep -E "^Error in rule|Trying to restart|SLURM-job .* failed|steps \(100%\)" "$work/snakemake.log"
say "submissions: $(grep -c 'has been submitted with SLURM jobid' "$work/snakemake.log"), of $(grep -c '^Finished jobid' "$work/snakemake.log") jobs"
check "the killed training was submitted again" grep -q "Trying to restart" "$work/snakemake.log"
for dataset in digits synthetic_faces; do
    say "the last attempt at $dataset resumed at step $(resumed_at "$dataset"); entries in its run log: $(steps_of "$dataset")"
    check "the training of $dataset went on from its saved state" resumed "$dataset"
done

mv results through_slurm
say "the same without Slurm and undisturbed"
nice -n 10 python -m snakemake --cores 2 table1 "${settings[@]}" >"$work/local.log" 2>&1
for file in tables/table1.csv models/{digits,synthetic_faces}/ours/seed0/weights.safetensors; do
    check "$file has the bytes of the local run" cmp "through_slurm/smoke/$file" "results/smoke/$file"
done
say "done"
exit "$failed"
