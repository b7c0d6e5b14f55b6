"""Words for the command ``sttatts``, and its complaints."""

SEARCH = ["--beam-size", "2", "--ctc-weight", "0.3"]
SHORT = ["--minlenratio", "1", "--maxlenratio", "2"]


def one_line(text):
    assert text.startswith("sttatts: ")
    assert text.count("\n") == 1
    return text
