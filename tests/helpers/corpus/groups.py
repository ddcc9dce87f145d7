"""All groups of the corpus, in the order of the page that is made of them."""

from corpus.bad_input import BadInput
from corpus.command_lines import CONFIG_FILES, CONFIG_VALUES
from corpus.image_files import IMAGES
from corpus.image_folders import DATA_FOLDERS
from corpus.library_calls import LIBRARY
from corpus.machine_faults import MACHINE
from corpus.model_files import MODELS
from corpus.parquet_tables import PARQUET
from corpus.protocols import PROTOCOL_FILES
from corpus.sample_sets import SAMPLE_SETS
from corpus.stored_files import STORED_RESULTS

GROUPS: dict[str, list[BadInput]] = {
    "Configuration files": CONFIG_FILES,
    "Values of --config": CONFIG_VALUES,
    "Folders of images": DATA_FOLDERS,
    "Parquet files": PARQUET,
    "Image files": IMAGES,
    "Samples from elsewhere": SAMPLE_SETS,
    "Models": MODELS,
    "Protocols": PROTOCOL_FILES,
    "Stored results": STORED_RESULTS,
    "Calls of the library": LIBRARY,
    "The machine, and single stages": MACHINE,
}
