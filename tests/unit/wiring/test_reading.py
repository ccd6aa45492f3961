"""What a command line and settings say of images, put together."""

from pathlib import Path

from elfgate.settings import Settings
from elfgate.wiring.images import Reading


def test_settings_count_where_options_are_silent(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(
        "images: {a: 'oci:x', b: 'oci:y'}\n"
        "nodes: {watch: true, injected_libraries: ['libmine.so*'], snapshotter: native}\n"
    )
    settings = Settings.read(path)

    found = Reading(images={"a": "oci:z"}, injected=("libyours.so",)).beside(settings)
    assert found.images == {"a": "oci:z", "b": "oci:y"}
    assert found.injected == ("libmine.so*", "libyours.so")
    assert found.snapshotter == "native"
    assert Reading(snapshotter="overlayfs").beside(settings).snapshotter == "overlayfs"
