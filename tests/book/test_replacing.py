"""A new site takes the place of the one before, which nobody loses; a folder of somebody else is refused."""

import pytest

from book import site


@pytest.fixture
def built(tmp_path):
    """A site as Sphinx leaves it."""
    folder = tmp_path / "work" / "html"
    (folder / ".doctrees").mkdir(parents=True)
    (folder / "index.html").write_text("new")
    return folder


def test_the_first_site_is_put_where_it_was_asked_for(built, tmp_path):
    site.put_in_place(built, tmp_path / "html", tmp_path / "work" / "before")

    assert [path.name for path in (tmp_path / "html").iterdir()] == ["index.html"]  # no doctrees
    assert not built.exists()
    assert not (tmp_path / "work" / "before").exists()


def test_the_site_before_is_set_aside_as_a_whole(built, tmp_path):
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "old.html").write_text("old")

    site.put_in_place(built, tmp_path / "html", tmp_path / "work" / "before")

    assert [path.name for path in (tmp_path / "html").iterdir()] == ["index.html"]
    assert (tmp_path / "work" / "before" / "old.html").read_text() == "old"


def test_a_link_to_the_site_stays_a_link(built, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "html").symlink_to(tmp_path / "real")

    site.put_in_place(built, tmp_path / "html", tmp_path / "work" / "before")

    assert (tmp_path / "html").is_symlink()
    assert (tmp_path / "real" / "index.html").read_text() == "new"


def test_a_site_without_doctrees_is_put_in_place_too(built, tmp_path):
    (built / ".doctrees").rmdir()

    site.put_in_place(built, tmp_path / "html", tmp_path / "before")

    assert (tmp_path / "html" / "index.html").exists()


def test_the_folder_of_the_command_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(site.BuildError, match="cannot be replaced as a whole"):
        site.require_replaceable(tmp_path, [])


def test_a_mounted_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(site.os.path, "ismount", lambda folder: folder == tmp_path / "html")

    with pytest.raises(site.BuildError, match="cannot be replaced as a whole"):
        site.require_replaceable(tmp_path / "html", [])


def test_a_folder_that_cannot_be_made_is_named_with_the_reason(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(site.BuildError, match=r"file/deep cannot be made: Not a directory\. Choose another"):
        site.require_replaceable(tmp_path / "file" / "deep" / "html", [])


def test_the_folders_above_are_made(tmp_path):
    site.require_replaceable(tmp_path / "a" / "b" / "html", [])
    site.require_replaceable(tmp_path / "a" / "b" / "html", [])

    assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a" / "b" / "html").exists()


def test_the_first_broken_page_is_named_and_other_files_are_not_looked_at(tmp_path):
    (tmp_path / "notes.txt").write_text("object at 0x7f")
    site.require_sound(tmp_path)
    (tmp_path / "b.html").write_text("Error in callback")
    (tmp_path / "a.html").write_text("<Thing object at 0x7f3>")

    with pytest.raises(site.BuildError, match=r"^a: .*'object at 0x'"):
        site.require_sound(tmp_path)
