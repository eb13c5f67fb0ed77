"""From one model format to another: bytes are moved, not made, wherever the target has the type."""

from apr.convert.apr_plan import ImportOptions
from apr.convert.exporting import Export, Exported
from apr.convert.importing import Import, Imported
from apr.convert.options import Floats, Quantise
from apr.convert.tokenizer_from import TokenizerKeys, read_tokenizer

__all__ = [
    "Export",
    "Exported",
    "Floats",
    "Import",
    "ImportOptions",
    "Imported",
    "Quantise",
    "TokenizerKeys",
    "read_tokenizer",
]
