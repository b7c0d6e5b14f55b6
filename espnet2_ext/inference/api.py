"""The Python interface: one object that transcribes, speaks and converts."""

from espnet2_ext.inference.recognizer import Recognizer
from espnet2_ext.inference.synthesizer import Synthesizer


class STTATTS(Recognizer, Synthesizer):
    """A trained model with its tokens, speakers and vocoder.

    >>> m = STTATTS.from_pretrained()                     # doctest: +SKIP
    >>> m.transcribe("speech.wav")[0].text                # doctest: +SKIP
    >>> m.synthesize("hello world", speaker="joe").wav    # doctest: +SKIP
    """
