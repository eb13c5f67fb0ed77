"""The .apr container, version 2: read fail-closed, written byte for byte as its own writers do.

`read_apr` opens one file, `read_apr_set` a sharded model, `open_apr` whichever it is given; `write_apr` writes one file.
"""

from apr.formats.apr.dtypes import Dtype, Layout, encoded_size, matrix_of
from apr.formats.apr.foreign import AprV1, describe_v1
from apr.formats.apr.header import Flags, Header
from apr.formats.apr.index import AprTensor
from apr.formats.apr.metadata import Spelling, canonical, dump_metadata
from apr.formats.apr.reader import AprFile, Footer, read_apr
from apr.formats.apr.shards import AprSet, open_apr, read_apr_set
from apr.formats.apr.writer import write_apr

__all__ = [
    "AprFile",
    "AprSet",
    "AprTensor",
    "AprV1",
    "Dtype",
    "Flags",
    "Footer",
    "Header",
    "Layout",
    "Spelling",
    "canonical",
    "describe_v1",
    "dump_metadata",
    "encoded_size",
    "matrix_of",
    "open_apr",
    "read_apr",
    "read_apr_set",
    "write_apr",
]
