"""What users give a program for files, and where it finds that."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

import pywasix
from pywasix.errors import OptionError
from pywasix.runtime.volumes import directory_volume, mapped_volume
from support import PATIENCE, guest


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A directory with a file in it."""
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "file").write_text("content")
    return tmp_path / "given"


def looked(*paths: str, **files: Any) -> list[str]:
    """What `files_look` prints of each path."""
    done = pywasix.run([guest("files_look"), *paths], capture_output=True, text=True, timeout=PATIENCE, **files)
    assert done.stderr == ""
    return str(done.stdout).splitlines()


def test_a_volume_stands_where_it_was_put(given: Path) -> None:
    volumes = [f"{given}:/data", f"{given}:/ro:ro", f"{given}:/deep/below:rw"]
    assert looked("/", "/data/file", "/ro/file", "/deep/below/file", "/deep", "/nothing", volumes=volumes) == [
        "/: directory: data deep dev ro",
        "/data/file: content",
        "/ro/file: content",
        "/deep/below/file: content",
        "/deep: directory: below",
        "/nothing: No such file or directory",
    ]


def test_a_mount_inside_of_another_one(given: Path, tmp_path: Path) -> None:
    """The inner one is seen in the outer one, which keeps the rest, in whatever order they are given."""
    outer = tmp_path / "outer"
    (outer / "a" / "inner").mkdir(parents=True)
    (outer / "a" / "beside").write_text("beside")
    (outer / "a" / "inner" / "hidden").write_text("hidden")
    for order in (1, -1):
        volumes = [f"{outer}:/", f"{given}:/a/inner"][::order]
        assert looked("/a", "/a/beside", "/a/inner", "/a/inner/file", volumes=volumes) == [
            "/a: directory: beside inner",
            "/a/beside: beside",
            "/a/inner: directory: file",
            "/a/inner/file: content",
        ]


def test_every_wasix_program_has_devices() -> None:
    assert looked("/", "/dev", "/dev/null") == [
        "/: directory: dev",
        "/dev: directory: fd full null random stderr stdin stdout tty urandom zero",
        "/dev/null: ",
    ]
    assert looked("/dev/stdin", stdin=b"from standard input") == ["/dev/stdin: from standard input"]
    assert looked("/dev/fd/0", stdin=b"by its number") == ["/dev/fd/0: by its number"]


def test_a_directory_in_memory(given: Path) -> None:
    assert looked("/tmp", tmpfs=["/tmp:64K"]) == ["/tmp: directory:"]
    assert looked("/tmp", "/data/file", tmpfs=["/tmp"], volumes=[f"{given}:/data"])[1] == "/data/file: content"


def test_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as target:
        target.writestr("index.html", "<html>")
    assert looked("/site", "/site/index.html", archives=[f"{tmp_path / 'site.zip'}:/site"]) == [
        "/site: directory: index.html",
        "/site/index.html: <html>",
    ]


def test_a_program_begins_where_it_is_told_to(given: Path) -> None:
    assert looked("file", "--pwd", volumes=[f"{given}:/data"], cwd="/data") == [
        "file: content",
        "working directory: /data",
    ]
    assert looked("data/file", volumes=[f"{given}:/data"]) == ["data/file: content"]


def test_a_program_without_wasix_finds_relative_paths(given: Path) -> None:
    """Its library may be older than working directories: these look in "." alone."""
    done = pywasix.run([guest("cat_file"), "file"], volumes=[f"{given}:/"], capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (0, b"content")


def test_a_program_without_wasix_begins_where_it_is_told_to(given: Path) -> None:
    """Its library sees no difference between "." and "/": absolute paths lead through the mount points."""
    for path in ("file", "./file", "/data/file"):
        done = pywasix.run(
            [guest("cat_file"), path], volumes=[f"{given}:/data"], tmpfs=["/tmp"], cwd="/data", capture_output=True
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"content", b""), path


def test_a_program_without_wasix_finds_absolute_paths_along_its_working_directory(given: Path) -> None:
    """Where "/" itself is mounted."""
    (given / "inner" / "most").mkdir(parents=True)
    (given / "inner" / "most" / "file").write_text("most")
    (given / "inner" / "other").write_text("other")
    for path, content in (("file", b"most"), ("/inner/most/file", b"most"), ("/inner/other", b"other")):
        done = pywasix.run(
            [guest("cat_file"), path], volumes=[f"{given}:/"], cwd="/inner/most", capture_output=True, timeout=PATIENCE
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, content, b""), path


@pytest.mark.parametrize(("cwd", "wanted"), [(None, ["/", "."]), ("/data", [".", "/", "/data", "/tmp", "/dev", "."])])
def test_where_a_program_without_wasix_finds_its_directories(given: Path, cwd: str | None, wanted: list[str]) -> None:
    """wasi-libc takes the last of what fits equally well, Go's library begins at the first."""
    lines: list[str] = []
    pywasix.run(
        [guest("cat_file"), "x"],
        volumes=[f"{given}:/data"],
        tmpfs=["/tmp"],
        cwd=cwd,
        stderr=pywasix.DEVNULL,
        trace=lines.append,
    )
    told = [line for line in lines if "fd_prestat_dir_name" in line]
    assert [line.split('path=>"')[1].split('"')[0] for line in told] == wanted


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"volumes": ["nonsense"]}, "is not HOST:GUEST"),
        ({"volumes": ["/tmp:relative"]}, "absolute GUEST"),
        ({"volumes": ["/tmp:/a/../b"]}, "absolute GUEST"),
        ({"volumes": [":/data"]}, "is not HOST:GUEST"),
        ({"volumes": ["/nothing/there:/data"]}, "No such file"),
        ({"volumes": ["/dev/null:/data"]}, "is no directory"),
        ({"volumes": ["/tmp:/a\0b"]}, "is not HOST:GUEST"),
        ({"tmpfs": ["tmp"]}, "absolute GUEST"),
        ({"tmpfs": ["/tmp:much"]}, "is no size"),
        ({"archives": ["/dev/null"]}, "is not FILE:GUEST"),
        ({"archives": ["/nothing:/a"]}, "No such file"),
        ({"archives": ["/dev/null:/a"]}, "no zip or tar file"),
        ({"cwd": "data"}, "an absolute path"),
        ({"cwd": "/nothing"}, "no such directory"),
        ({"cwd": "/two\nlines"}, r"/two\\nlines: there is no such directory"),
        ({"cwd": Path("/tmp")}, "give an absolute path of the program's, such as"),
        ({"cwd": "/dev/null"}, "no directory"),
        ({"volumes": {".": "/x"}}, "list of strings"),
        ({"volumes": [Path()]}, "list of strings"),
        ({"tmpfs": True}, "list of strings"),
        ({"archives": 5}, "list of strings"),
        ({"env": ["A=1"]}, "it is a dict"),
        ({"env": {"A": None}}, "values are strings"),
        ({"commands": ["cat"]}, "it is a dict"),
        ({"max_memory": "64M"}, "number of bytes"),
        ({"volumes": ["/tmp:/tmp"], "max_fds": 3}, "--max-fds"),
    ],
)
def test_what_cannot_be(files: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        pywasix.start([guest("files_look"), "/"], **files)


def test_a_second_volume_that_cannot_be_had_closes_the_first(given: Path) -> None:
    """The fixtures look for descriptors that are left open."""
    with pytest.raises(OptionError):
        pywasix.start([guest("files_look")], volumes=[f"{given}:/data", "/nothing/there:/x"])


@pytest.mark.parametrize(
    ("spelled", "volume"),
    [
        ("site", "site:/site"),
        ("./site", "./site:/site"),
        ("a/b", "a/b:/a/b"),
        (".", ".:/"),
        ("/var/www", "/var/www:/var/www"),
        ("./site::/public", "./site:/public"),
        ("./site::public", "./site:/public"),
        (".::.", ".:/"),
    ],
)
def test_directories_as_wasmtime_spells_them(spelled: str, volume: str) -> None:
    assert directory_volume(spelled) == volume


def test_directories_that_wasmtime_could_name() -> None:
    for spelled in ("..", "../x", "a/../../b"):
        with pytest.raises(OptionError, match="leads out"):
            directory_volume(spelled)


def test_directories_as_wasmer_spells_them() -> None:
    assert mapped_volume("/public:./site") == "./site:/public"
    for spelled in ("public:./site", "/public", "/public:"):
        with pytest.raises(OptionError, match="GUEST:HOST"):
            mapped_volume(spelled)
