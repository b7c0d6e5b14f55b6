"""A packed model as a model directory, for trainings that start from it."""

import shutil
import zipfile
from pathlib import Path

from espnet2_ext.checkpoints.import_report import ImportReport
from espnet2_ext.checkpoints.model_directory import new_directory
from espnet2_ext.io.model_files import (
    CONFIG_NAME,
    MODEL_NAME,
    OPTIONAL_NAMES,
    find_model,
)


def is_packed(path: Path) -> bool:
    """Tell a packed model, or one unpacked, from weights, which are zips, too."""
    if path.is_dir():
        return (path / "meta.yaml").is_file()
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "meta.yaml" in archive.namelist()


def unpack(archive: Path, output_dir: Path, overwrite: bool = False) -> ImportReport:
    """Write the files of a packed model into a model directory.

    Args:
        archive: of ``sttatts_pack`` or the model zoo, a zip or what is in it.
        output_dir: gets ``config.yaml``, ``model.pth`` and what else is packed.
        overwrite: replace a directory that is not empty.

    Returns:
        What was done.

    Raises:
        ValueError: an unsafe or broken archive, or a directory that is not empty.
    """
    files = find_model(archive)
    report = ImportReport()
    report.facts["packed model"] = archive.name
    with new_directory(output_dir, overwrite) as folder:
        shutil.copyfile(files.train_config, folder / CONFIG_NAME)
        shutil.copyfile(files.model_file, folder / MODEL_NAME)
        for name, place in OPTIONAL_NAMES.items():
            source: Path | None = getattr(files, name)
            if source is not None and source.is_dir():
                shutil.copytree(source, folder / place)
            elif source is not None:
                shutil.copyfile(source, folder / place)
    return report
