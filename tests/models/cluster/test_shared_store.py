import zipfile
from dataclasses import fields, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from support.training_jobs import make_jobs, make_pooled_job, make_study

from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.models.cluster.messages import JobMessages, restore_job
from nse_lstm.models.cluster.shared_store import (
    absolute_url,
    array_digest,
    has_file,
    local_path,
    pack_folder,
    read_arrays,
    read_file,
    unpack_folder,
    write_array,
    write_arrays,
    write_file,
)
from nse_lstm.models.samples import open_table

pytest.importorskip("fsspec", reason="the extra `scale` is not installed")


@pytest.fixture(params=["folder", "file", "memory"])
def url(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = {
        "folder": "shared",
        "file": f"file://{tmp_path}/shared",
        "memory": f"memory://{tmp_path.name}",
    }
    return absolute_url(places[request.param])


def test_a_store_is_the_same_place_from_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute_url("shared") == f"file://{tmp_path}/shared"


def test_what_is_written_is_read_back_and_the_last_writer_wins(url):
    assert not has_file(url, "a/b.bin")
    for content in (b"first", b"second"):
        write_file(url, "a/b.bin", content)
        assert has_file(url, "a/b.bin") and read_file(url, "a/b.bin") == content
    assert local_path(url, "a/b.bin").read_bytes() == b"second"
    with pytest.raises(ArtefactError, match=r"Expected a/c\.bin in the store"):
        read_file(url, "a/c.bin")


def test_a_write_that_breaks_off_leaves_the_old_file_and_nothing_else(
    tmp_path, monkeypatch
):
    from fsspec.implementations.local import LocalFileSystem

    url = absolute_url(str(tmp_path))
    write_file(url, "a.bin", b"old")

    def break_off(self, path, value, **_):
        Path(path).write_bytes(value[:2])
        raise OSError("no space left")

    monkeypatch.setattr(LocalFileSystem, "pipe_file", break_off)
    with pytest.raises(OSError, match="no space"):
        write_file(url, "a.bin", b"new content")
    assert read_file(url, "a.bin") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_arrays_come_back_to_the_bit_and_none_is_unpickled(url):
    dates = np.array(["2020-01-01", "NaT"], "datetime64[us]")
    arrays = {"x": np.array([0.1, np.nan]), "dates": dates, "why": np.array(["", "é"])}
    write_arrays(url, "in.npz", arrays)
    found = read_arrays(url, "in.npz")
    assert {name: array.tobytes() for name, array in found.items()} == {
        name: array.tobytes() for name, array in arrays.items()
    }
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(url, "bad.npz", {"x": np.array([{}])})


def test_an_arrays_digest_is_of_its_values_type_and_shape():
    zeros = np.zeros(4)
    others = [zeros.astype(np.float32), zeros.reshape(2, 2), zeros + 1e-300]
    digests = {array_digest({"x": array}) for array in [zeros, *others]}
    assert len(digests | {array_digest({"y": zeros})}) == 5
    assert array_digest({"x": np.zeros(8)[::2]}) == array_digest({"x": zeros})


def test_a_packed_folder_is_unpacked_in_place_of_an_older_one(tmp_path):
    for name, content in {"old/a": b"1", "new/a": b"2", "new/b": b"3"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    unpack_folder(pack_folder(tmp_path / "new"), tmp_path / "old")
    found = {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()}
    assert found == {"a": b"2", "b": b"3"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


@pytest.mark.parametrize("name", ["../outside", "deep/file", "/absolute"])
def test_an_archive_that_reaches_outside_its_folder_is_refused(tmp_path, name):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"")
    for content in (buffer.getvalue(), b"no archive"):
        with pytest.raises(ArtefactError, match="archive of a bundle"):
            unpack_folder(content, tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_a_place_that_fsspec_does_not_know_is_refused():
    with pytest.raises(ConfigurationError, match=r"training\.store"):
        absolute_url("nowhere://bucket/folder")


def same(one, other) -> bool:
    pairs = [(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)]
    return all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes()
        if isinstance(a, np.ndarray)
        else a == b
        for a, b in pairs
    )


def test_a_job_comes_back_from_the_store_to_the_bit(url):
    messages = JobMessages(make_study(), url, {})
    stock, pool = make_jobs("C")[0], make_pooled_job()
    found = restore_job(messages.write(stock))
    assert same(found.train, stock.train) and same(found.validation, stock.validation)
    found = restore_job(messages.write(pool))
    for span in ("train", "validation"):
        given, read = getattr(pool, span), getattr(found, span)
        assert isinstance(read.table, Path)  # mapped, not held by every worker
        assert open_table(read).tobytes() == given.table.tobytes()
        assert same(replace(read, table=given.table), given)
    plain = restore_job(messages.write(replace(pool, validation=None)))
    assert plain.validation is None


def test_seeds_share_what_they_are_trained_on_and_no_bundle(tmp_path):
    messages = JobMessages(make_study(), absolute_url(str(tmp_path)), {})
    pool, stock = make_pooled_job(), make_jobs("A")[0]
    sent = [
        messages.write(replace(job, seed=seed))
        for job in (pool, stock)
        for seed in (1, 2)
    ]
    assert len({message.inputs for message in sent}) == 2
    assert len({message.bundle for message in sent}) == 4
    assert len(list(tmp_path.glob("tables/*/*"))) == 1
    assert len(list(tmp_path.glob("inputs/*/*"))) == 2
    # Other windows under the same version are another bundle.
    other = replace(stock, train=replace(stock.train, y=stock.train.y + 1))
    assert messages.write(other).bundle != sent[2].bundle


def test_a_message_is_small_however_long_the_history(tmp_path):
    protocol = pytest.importorskip("distributed").protocol
    messages = JobMessages(make_study(), absolute_url(str(tmp_path)), {})
    job = make_jobs("A")[0]
    long = replace(job, train=replace(job.train, prices=np.ones(10**6)))
    sizes = [
        sum(map(len, protocol.dumps(protocol.Serialize(messages.write(each)))))
        for each in (job, long)
    ]
    assert sizes[0] == sizes[1] < 10_000


def test_a_table_that_is_a_file_goes_along(tmp_path):
    pool = make_pooled_job()
    np.save(tmp_path / "table.npy", pool.train.table)
    messages = JobMessages(make_study(), absolute_url(str(tmp_path / "store")), {})
    filed = replace(pool, train=replace(pool.train, table=tmp_path / "table.npy"))
    assert messages.write(filed).tables == messages.write(pool).tables


def test_one_array_is_written_once(tmp_path):
    url = absolute_url(str(tmp_path))
    for value in (1.0, 2.0):
        write_array(url, "x.npy", np.array([value]))
    assert np.load(tmp_path / "x.npy") == [1.0]
