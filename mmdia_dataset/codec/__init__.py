"""The neural codec of a release's encoded sound: `.dac` files are read without trust, and made sound of by a model.

`plainpickle` reads what a pickle says without doing it; `dacfile` knows what stands in a `.dac` file; `decoder` is what
a model has to be, and `network`, the only module that imports torch, is one; `restoring` gives a decoded sound its
loudness, rate and length back.
"""

from mmdia_dataset.codec.dacfile import EncodedSound, read_dac
from mmdia_dataset.codec.decoder import Decoder, Loader, load_decoder
from mmdia_dataset.codec.encoded_files import EncodedFiles, encoded_files
from mmdia_dataset.codec.file_task import DecodedFile, DecoderChoice, FileTask, decode_file, forget_decoder
from mmdia_dataset.codec.restoring import restore

__all__ = [
    "DecodedFile",
    "Decoder",
    "DecoderChoice",
    "EncodedFiles",
    "EncodedSound",
    "FileTask",
    "Loader",
    "decode_file",
    "encoded_files",
    "forget_decoder",
    "load_decoder",
    "read_dac",
    "restore",
]
