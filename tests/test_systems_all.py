"""What every compared system must show, whatever it is made of: a new one stands here or the first
test fails."""

import pytest
import system_proofs as proofs

from jgm_lib.systems import SYSTEMS
from jgm_lib.training.runs import start


def test_every_system_is_here():
    assert proofs.TINY.keys() == SYSTEMS.keys()


@pytest.fixture(params=SYSTEMS)
def card(request):
    return proofs.card(request.param)


def test_weights_and_their_method(card, tmp_path):
    proofs.check_weights_and_their_method(card, tmp_path)


def test_resumed_equals_uninterrupted(card, tmp_path):
    proofs.check_resumed_equals_uninterrupted(card, tmp_path)


def test_no_colour_reaches_the_network(card):
    """In use; in training the encoder of cvae and the painter of memopainter are told the true ones."""
    proofs.check_no_colour_reaches_the_network(start(card)[0], card)
