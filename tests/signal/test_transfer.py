"""Each encode/decode pair, and golden numbers that other hands computed.

The golden numbers come from colour-science 0.4.7 (`colour.models.rgb.transfer_functions`): `log_encoding_Cineon(x) * 1023`,
`log_decoding_Cineon(code / 1023)`, `eotf_sRGB`, `eotf_inverse_sRGB`, `oetf_BT709`, `oetf_inverse_BT709`, `eotf_BT1886`.
"""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frdm.signal import transfer
from frdm.signal.transfer import Floats

Curve = Callable[[float], Floats]

PAIRS: list[tuple[Curve, Curve, float, float]] = [
    (transfer.perceptual_from_linear, transfer.linear_from_perceptual, -60000.0, 60000.0),
    (transfer.cineon_from_linear, transfer.linear_from_cineon, -0.005, 13.0),
    (transfer.linear_from_cineon, transfer.cineon_from_linear, 0.0, 1023.0),
    (transfer.cineon_from_density, transfer.density_from_cineon, -0.2, 2.0),
    (transfer.density_from_transmittance, transfer.transmittance_from_density, 1e-6, 1.0),
    (transfer.srgb_from_linear, transfer.linear_from_srgb, -2.0, 4.0),
    (transfer.video_from_linear, transfer.linear_from_video, -2.0, 4.0),
    (transfer.video_from_scene, transfer.scene_from_video, -0.1, 4.0),
]

GOLDEN: list[tuple[Curve, dict[float, float]]] = [
    (
        lambda x: transfer.cineon_from_linear(x) / 1023,
        {0.0: 0.09286412512218964, 0.01: 0.17568594790491976, 0.18: 0.4573196130854184, 0.9: 0.6563333065523693, 1.0: 0.6695992179863147},
    ),
    (
        transfer.linear_from_cineon,
        {0: -0.005650819439456877, 95: 0.0, 445: 0.1493037120216776, 470: 0.18319453128819568, 685: 1.0, 1023: 13.521694568553714},
    ),
    (transfer.srgb_from_linear, {0.0: 0.0, 0.01: 0.09985282273412832, 0.18: 0.46135612950044164, 0.9: 0.9546871718858662}),
    (transfer.linear_from_srgb, {0.02: 0.0015479876160990713, 0.081: 0.007322973743323138, 0.5: 0.21404114048223255}),
    (transfer.video_from_scene, {0.01: 0.045, 0.18: 0.4090077288641504, 0.9: 0.9491098963971183, 1.0: 1.0}),
    (transfer.scene_from_video, {0.02: 0.0044444444444444444, 0.081: 0.018000000000000002, 0.5: 0.25958940050628576}),
    (transfer.linear_from_video, {0.02: 8.365116420730189e-05, 0.5: 0.18946457081379978, 1.0: 1.0}),
    (transfer.video_from_linear, {0.01: 0.14677992676220694, 0.18: 0.4894370895738783}),
]


@pytest.mark.parametrize(("curve", "values"), GOLDEN)
def test_golden(curve: Curve, values: dict[float, float]) -> None:
    for x, expected in values.items():
        assert float(curve(np.float64(x))) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("there", "back", "low", "high"), PAIRS)
@given(share=st.floats(0, 1))
def test_pairs_are_inverse(there: Curve, back: Curve, low: float, high: float, share: float) -> None:
    x = np.float64(low + share * (high - low))
    assert float(back(there(x))) == pytest.approx(float(x), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(("there", "back", "low", "high"), PAIRS)
def test_type_and_shape_stay(there: Curve, back: Curve, low: float, high: float) -> None:
    x = np.full((2, 3), (low + high) / 2, np.float32)
    for curve in (there, back):
        result = curve(x)  # type: ignore[arg-type]
        assert result.dtype == np.float32 and result.shape == x.shape
    assert there(x.astype(np.float64)).dtype == np.float64  # type: ignore[arg-type]


def test_perceptual_curve() -> None:
    ends = transfer.perceptual_from_linear([0.0, 1.0, 0.18, -1.0])
    assert ends == pytest.approx([0, 1, 0.58726, -1], abs=1e-4)
    slope = float(transfer.perceptual_from_linear(np.float64(1e-7))) / 1e-7
    assert slope == pytest.approx(12.92, rel=0.01)  # sRGB's


def test_perceptual_curve_survives_anything() -> None:
    held = transfer.perceptual_from_linear(np.array([np.nan, np.inf, -np.inf, 3e38], np.float32))
    top = float(transfer.perceptual_from_linear(65504.0))
    assert held == pytest.approx([0, top, -top, top])
