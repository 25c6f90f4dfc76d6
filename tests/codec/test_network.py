"""The model in torch, with small random weights that the tests make: the real ones are not here. Skipped without torch.

Its sound is compared with that of the codec's own package and of transformers, where these are installed.
"""

import json
import os
import pickle

import numpy as np
import pytest
import soundfile

import mmdia_dataset
from mmdia_dataset.codec import load_decoder, read_dac, restore
from mmdia_dataset.errors import MediaDamaged, UsageError, WeightsUnreadable
from tests.support.dacfiles import write_dac
from tests.support.shell import mmdia

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

BOOKS, ENTRIES, WIDTH, CHANNELS, STRIDES = 3, 32, 16, 64, (8, 8, 4, 2)


def random_weights(seed=0):
    """A small decoder of the codec's kind, named as the codec names its layers."""
    torch.manual_seed(seed)
    weights = {}

    def layer(name, *shape, out):
        weights[f"{name}.weight_v"] = torch.randn(shape)
        weights[f"{name}.weight_g"] = (torch.rand(shape[0], 1, 1) + 0.5) / 2
        weights[f"{name}.bias"] = torch.randn(out) / 10

    for number in range(BOOKS):
        weights[f"quantizer.quantizers.{number}.codebook.weight"] = torch.randn(ENTRIES, 8)
        layer(f"quantizer.quantizers.{number}.out_proj", WIDTH, 8, 1, out=WIDTH)
    layer("decoder.model.0", CHANNELS, WIDTH, 7, out=CHANNELS)
    channels = CHANNELS
    for number, stride in enumerate(STRIDES, 1):
        block = f"decoder.model.{number}.block"
        weights[f"{block}.0.alpha"] = torch.rand(1, channels, 1) + 0.5
        layer(f"{block}.1", channels, channels // 2, 2 * stride, out=channels // 2)
        channels //= 2
        for unit in (2, 3, 4):
            weights[f"{block}.{unit}.block.0.alpha"] = torch.rand(1, channels, 1) + 0.5
            layer(f"{block}.{unit}.block.1", channels, channels, 7, out=channels)
            weights[f"{block}.{unit}.block.2.alpha"] = torch.rand(1, channels, 1) + 0.5
            layer(f"{block}.{unit}.block.3", channels, channels, 1, out=channels)
    weights["decoder.model.5.alpha"] = torch.rand(1, channels, 1) + 0.5
    layer("decoder.model.6", 1, channels, 7, out=1)
    return weights


def checkpoint(path, weights=None, rate=44_100):
    """A file as the codec's own package saves it."""
    torch.save({"state_dict": weights or random_weights(), "metadata": {"kwargs": {"sample_rate": rate}}}, path)
    return path


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return load_decoder(checkpoint(tmp_path_factory.mktemp("weights") / "weights.pth"), "cpu")


def codes_of(frames, seed=0):
    return np.random.default_rng(seed).integers(0, ENTRIES, (BOOKS, frames)).astype(np.uint16)


def test_it_is_as_large_as_its_weights(decoder):
    assert (decoder.sample_rate, decoder.books, decoder.entries) == (44_100, BOOKS, ENTRIES)
    for frames in (1, 20, 33):
        assert decoder.decode(codes_of(frames), padded=True).shape == (frames * 512,)
    for frames in (20, 33):
        assert decoder.decode(codes_of(frames), padded=False).shape == (decoder.samples_of(frames, padded=False),)
    assert decoder.samples_of(3, padded=False) == 0


def test_pieces_of_a_sound_are_the_whole_but_for_their_edges(decoder):
    codes = codes_of(60)
    whole = decoder.decode(codes, padded=False)
    first, second = (decoder.decode(codes[:, begin : begin + 40], padded=False) for begin in (0, 20))
    edge = 2000
    assert first[:-edge] == pytest.approx(whole[: len(first) - edge], abs=1e-3)
    assert second[edge:] == pytest.approx(whole[20 * 512 + edge :], abs=1e-3)
    padded = decoder.decode(codes, padded=True)
    lost = (len(padded) - len(whole)) // 2
    assert padded[lost : lost + len(whole)][edge:-edge] == pytest.approx(whole[edge:-edge], abs=1e-3)


def test_a_release_is_decoded_by_the_shell(tmp_path):
    release, weights = tmp_path / "release", checkpoint(tmp_path / "weights.pth")
    for number in range(3):
        codes = codes_of(87, number)[None]
        write_dac(release / f"audio_encoded/movie/tt0000001/clip_00{number}.dac", codes=codes)
    write_dac(release / "audio_encoded/movie/tt0000001/clip_003.dac", codes=np.full((1, BOOKS, 87), ENTRIES))
    out, _ = mmdia("decode", release, "--weights", weights, "--jobs", 2, code=1)
    assert "3 files decoded, 0 kept, 1 can't be decoded" in out
    assert "holds the code 32, and the model knows 32" in out
    samples, rate = soundfile.read(release / "audio/movie/tt0000001/clip_001.flac")
    assert (len(samples), rate) == (24_000, 24_000)
    expected = restore(read_dac(release / "audio_encoded/movie/tt0000001/clip_001.dac"), load_decoder(weights, "cpu"))
    assert samples == pytest.approx(expected / 32768, abs=2 / 32768)


class _Runs:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def test_weights_that_would_run_something_are_refused(tmp_path):
    marker = tmp_path / "was-run"
    torch.save({"state_dict": _Runs(marker)}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(_Runs(marker)))
    for name in ("a.pth", "b.pth"):
        with pytest.raises(WeightsUnreadable, match="not a file of weights alone"):
            load_decoder(tmp_path / name, "cpu")
    assert not marker.exists()


def changed(**layers):
    return {**random_weights(), **layers}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b""), "not a file of weights alone"),
        (lambda path: path.write_bytes(b"PK\x03\x04 and so on"), "not a file of weights alone"),
        (lambda path: torch.save([1, 2], path), "not the weights of this codec"),
        (lambda path: torch.save(random_weights(), path), "not the weights of this codec"),
        (lambda path: checkpoint(path, {"a": torch.zeros(1)}), "not the weights of this codec"),
        (lambda path: checkpoint(path, {"a": 1}), "not the weights of this codec"),
        (lambda path: checkpoint(path, changed(**{"decoder.model.6.bias": torch.full((1,), torch.nan)})), "not the w"),
        (lambda path: checkpoint(path, changed(**{"decoder.model.0.bias": torch.zeros(3)})), "not the weights of"),
        (lambda path: checkpoint(path, rate="fast"), "does not say at what sample rate"),
        (lambda path: path.mkdir(), "no such file of weights"),
    ],
)
def test_a_wrong_file_of_weights_is_refused_in_a_sentence(tmp_path, make, words):
    make(tmp_path / "weights.pth")
    with pytest.raises(WeightsUnreadable, match=words) as error:
        load_decoder(tmp_path / "weights.pth", "cpu")
    assert "\n" not in str(error.value)


def test_safetensors_need_the_config_beside_them(tmp_path, decoder):
    safetensors.save_file(random_weights(), tmp_path / "model.safetensors")
    with pytest.raises(WeightsUnreadable, match=r"config\.json: it can't be read, or does not say the sampling_rate"):
        load_decoder(tmp_path / "model.safetensors", "cpu")
    (tmp_path / "config.json").write_text(json.dumps({"sampling_rate": 44_100}))
    loaded = load_decoder(tmp_path / "model.safetensors", "cpu")
    assert np.array_equal(loaded.decode(codes_of(9), True), decoder.decode(codes_of(9), True))
    (tmp_path / "other.safetensors").write_bytes(b"{}")
    with pytest.raises(WeightsUnreadable, match="not a file of weights alone"):
        load_decoder(tmp_path / "other.safetensors", "cpu")


@pytest.mark.parametrize("device", ["gpu", "cuda:77", "cpu:x"])
def test_a_device_that_is_not_there_is_refused(tmp_path, device):
    with pytest.raises(UsageError, match=f"device '{device}' can't be used"):
        load_decoder(checkpoint(tmp_path / "weights.pth"), device)


def test_codes_of_a_larger_model_are_refused_before_they_are_looked_up(tmp_path, decoder):
    for codes in (np.full((1, BOOKS, 87), ENTRIES), np.zeros((1, BOOKS + 1, 87))):
        with pytest.raises(MediaDamaged, match="and the model knows"):
            restore(read_dac(write_dac(tmp_path / "a.dac", codes=codes)), decoder)


@pytest.mark.parametrize(("rate", "seconds"), [(24_000, 0.4), (44_100, 0.7), (24_000, 5.3), (44_100, 2.0)])
def test_sound_is_that_of_the_codecs_own_package(tmp_path, rate, seconds):
    dac = pytest.importorskip("dac", exc_type=ImportError)
    from audiotools import AudioSignal

    torch.manual_seed(1)
    model = dac.DAC(encoder_dim=4, decoder_dim=64, n_codebooks=4, codebook_size=64, sample_rate=44_100).eval()
    with torch.no_grad():
        for name, value in model.decoder.named_parameters():
            if name.endswith("alpha"):
                value.copy_(torch.rand_like(value) + 0.5)
    model.save(tmp_path / "weights.pth", package=False)
    times = np.arange(round(rate * seconds)) / rate
    sine = (0.3 * np.sin(2 * np.pi * 440 * times) * (1.2 + np.sin(3 * times))).astype(np.float32)
    encoded = tmp_path / "release/audio_encoded/movie/a/clip_0.dac"
    encoded.parent.mkdir(parents=True)
    model.compress(AudioSignal(sine[None, None], rate)).save(encoded)
    expected = model.decompress(encoded).audio_data[0, 0].numpy()
    assert mmdia_dataset.decode(tmp_path / "release", tmp_path / "weights.pth").made == 1
    samples, made_rate = soundfile.read(tmp_path / "release/audio/movie/a/clip_0.flac")
    assert (made_rate, len(samples)) == (rate, len(sine))
    error = samples - np.clip(expected, -1, 1)
    assert np.sqrt(np.mean(error**2)) < 1e-3 * np.sqrt(np.mean(samples**2))


def test_sound_is_that_of_transformers(tmp_path):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(2)
    sizes = {"encoder_hidden_size": 4, "decoder_hidden_size": 64, "n_codebooks": BOOKS, "codebook_size": ENTRIES}
    model = transformers.DacModel(transformers.DacConfig(**sizes, sampling_rate=44_100)).eval()
    model.save_pretrained(tmp_path)
    codes = codes_of(50)
    with torch.no_grad():
        expected = model.decode(audio_codes=torch.from_numpy(codes.astype(np.int64))[None]).audio_values[0].numpy()
    decoder = load_decoder(tmp_path / "model.safetensors", "cpu")
    assert decoder.decode(codes, padded=True) == pytest.approx(expected, abs=1e-6)
