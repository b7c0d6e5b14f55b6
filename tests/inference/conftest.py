"""Fixtures of the tests of vocoders."""

import pytest
import torch


@pytest.fixture
def mel():
    return torch.randn(12, 80, generator=torch.Generator().manual_seed(1)) - 2.0


@pytest.fixture
def statistics():
    generator = torch.Generator().manual_seed(2)
    return (
        torch.randn(80, generator=generator) - 2.0,
        torch.rand(80, generator=generator) + 0.5,
    )
