"""Transcripts spelled as they are heard, and their standard spelling."""

from pathlib import Path

from espnet2_ext.io.tables import write_table
from espnet2_ext.text.arabic import unify_forms

_PAIRS = {
    # nun heard as mim
    "تَمْبُعُ الْمِيَاهُ مِنَ الْجَبَلِ الْعَالِي": "تَنْبُعُ الْمِيَاهُ مِنَ الْجَبَلِ الْعَالِي",
    # a letter doubled and an article without its sukun
    "هَذَا الْكِتَابُ الجَّمِيلُ مُفِيدٌ لِلطُّلَّابِ": "هَذَا الْكِتَابُ الْجَمِيلُ مُفِيدٌ لِلطُّلَّابِ",
    # two words heard as one
    "يُمْكِنُ أَيُّسَافِرَ الْوَلَدُ إِلَى الْمَدِينَةِ": "يُمْكِنُ أَنْ يُسَافِرَ الْوَلَدُ إِلَى الْمَدِينَةِ",
    # nunation written as a letter
    "وَصَلَ ثَمَانِيَةٌ وَعِشْرُونَ طَالِبَنْ إِلَى الْمَدْرَسَةِ": "وَصَلَ ثَمَانِيَةٌ وَعِشْرُونَ طَالِبًا إِلَى الْمَدْرَسَةِ",
    # a hamza where none is written
    "يَجِبُ الْإِتِّصَالُ بِالْمَكْتَبِ فِي الصَّبَاحِ": "يَجِبُ الِاتِّصَالُ بِالْمَكْتَبِ فِي الصَّبَاحِ",
    # a letter that sounds alike
    "ذَهَبَ الزَّكِيُّ إِلَى السُّوقِ مَعَ صَدِيقِهِ": "ذَهَبَ الذَّكِيُّ إِلَى السُّوقِ مَعَ صَدِيقِهِ",
    # right as they are
    "قَرَأَ الْمُعَلِّمُ الدَّرْسَ الْأَوَّلَ": "قَرَأَ الْمُعَلِّمُ الدَّرْسَ الْأَوَّلَ",
    "شَرِبَ الطِّفْلُ الْحَلِيبَ فِي الْبَيْتِ": "شَرِبَ الطِّفْلُ الْحَلِيبَ فِي الْبَيْتِ",
}
RESTORED = {unify_forms(line): unify_forms(_PAIRS[line]) for line in _PAIRS}
LINES = list(RESTORED)
WRONG, RIGHT = LINES[:6], LINES[6:]


def write_transcripts(path: Path, lines=LINES) -> dict[str, str]:
    """Write a Kaldi ``text``; gives it back."""
    texts = {f"asc-{number:04d}": line for number, line in enumerate(lines)}
    write_table(path, texts)
    return texts
