"""The tri-stage learning rate as fairseq steps it."""

from espnet2.schedulers.tristage_lr import TristageLR


class OfficialTristageLR(TristageLR):
    """ESPnet's tri-stage schedule, counted from the initial rate.

    ESPnet's class is one step ahead: its first update already has the second rate.
    fairseq (and the released training logs) use ``init_lr_scale * lr`` first.
    """

    def get_lr(self) -> list[float]:
        """Rates of the next update, one per parameter group."""
        self.last_epoch -= 1
        try:
            return super().get_lr()
        finally:
            self.last_epoch += 1
