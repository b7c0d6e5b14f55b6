"""Text as people write it, in the words that are said: for models without digits.

Numbers are put into words by ``num2words``; what is beside them (money, units, months,
abbreviations) is in ``spoken_words.yaml``.  English and Arabic.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from espnet2_ext.io.settings import read_yaml
from espnet2_ext.text.arabic import ascii_digits, is_arabic_letter

type Change = tuple[str, str]
"""What was written, and what is said instead."""

LONGEST_NUMBER = 15
"""Digits; a longer one is said digit by digit, as codes are."""

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.٫]\d+)?"
_DAY, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"[12]\d{3}"
_BEFORE_YEAR = r"in|since|of|by|from|until|till|before|after|during|year|circa"
_YEAR_AFTER = re.compile(rf"\b(?:{_BEFORE_YEAR})\s+$", re.IGNORECASE)


def language_of(text: str, cleaner: str | None = None) -> str:
    """Tell whose words to use: ``ar`` or ``en``.

    >>> language_of("في 2024"), language_of("in 2024"), language_of("5", "arabic")
    ('ar', 'en', 'ar')

    Args:
        text: with Arabic letters it is Arabic.
        cleaner: of the model; an Arabic one decides where there are no letters.
    """
    if any(map(is_arabic_letter, text)):
        return "ar"
    latin = any(c.isascii() and c.isalpha() for c in text)
    return "ar" if (cleaner or "").startswith("arabic") and not latin else "en"


def spell_out(text: str, language: str = "en") -> tuple[str, list[Change]]:
    """Put numbers, money, dates, times, units, abbreviations and addresses into words.

    >>> spell_out("Dr. Lee paid $3.50 at 3:05 pm.")[0]
    'doctor Lee paid three dollars fifty cents at three oh five p m.'

    Args:
        text: as it is written.
        language: ``en`` or ``ar``.

    Returns:
        The text, and what was changed in it, in order.
    """
    speaker, changes = _speaker(language), list[Change]()

    def say(found: re.Match[str]) -> str:
        said = speaker.say(found)
        if said != found[0]:
            changes.append((found[0].strip(), said.strip()))
        # Words that stood together ("5km") part from their neighbours.
        before = found.string[: found.start()][-1:]
        after = found.string[found.end() :][:1]
        return " " * before.isalnum() + said + " " * after.isalnum()

    spoken = speaker.pattern.sub(say, ascii_digits(text))
    return re.sub(r" {2,}", " ", spoken).strip(), changes


def abbreviations() -> set[str]:
    """What ends in a full stop without ending a sentence."""
    return {
        short
        for language in ("en", "ar")
        for short in _words(language)["abbreviations"]
    }


@cache
def _speaker(language: str) -> "_Speaker":
    return _Speaker(language, _words(language))


@cache
def _words(language: str) -> dict[str, Any]:
    return read_yaml(Path(__file__).with_name("spoken_words.yaml"))[language]


class _Speaker:
    """One language's way to say what is written."""

    def __init__(self, language: str, words: Mapping[str, Any]):
        self._language, self._words = language, words
        months = [*words["months"], *(name[:3] for name in words["months"])]
        self._months = {name: i % 12 for i, name in enumerate(months)}
        # In English "may" and "mar" are words, too.
        month = f"(?-i:{_any_of({name.title(): 0 for name in self._months})})" + r"\.?"
        money, scale = _any_of(words["money"]), _any_of(words["scales"])
        unit = f"(?-i:{_any_of(words['units'])})"
        kinds: dict[str, tuple[str, Callable[[re.Match[str]], str]]] = {
            "address": (
                r"(?:https?://|www\.)[^\s<>]*[^\s<>.,;:!?)\"']|[\w.+-]+@[\w-]+(?:\.\w+)+"
                r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|io)\b(?:/[\w/-]+)?",
                self._address,
            ),
            "iso": (rf"\b(?P<y>{_YEAR})-(?P<m>\d\d)-(?P<d>\d\d)\b", self._date),
            "slashes": (
                rf"\b(?P<a>\d\d?)(?P<by>[/.])(?P<b>\d\d?)(?P=by)(?P<c>{_YEAR})\b",
                self._slashed,
            ),
            "month_day": (
                rf"\b(?P<m1>{month})\s+(?P<d1>{_DAY})(?:st|nd|rd|th)?\b(?!:)"
                + _of_year("y1"),
                self._date,
            ),
            "day_month": (
                rf"\b(?P<d2>{_DAY})(?:st|nd|rd|th)?\s+(?P<m2>{month})"
                r"(?!\w)" + _of_year("y2"),
                self._date,
            ),
            "time": (
                r"\b(?P<hour>[01]?\d|2[0-4])(?:[:](?P<minute>[0-5]\d))?(?P<half>\s*"
                r"(?:[ap]\.m\.|[ap]m\b))|\b(?P<hour2>[01]?\d|2[0-4]):(?P<minute2>[0-5]\d)\b",
                self._time,
            ),
            "price": (
                rf"(?P<coin>{money})\s?(?P<sum>{_NUMBER})(?:\s?(?P<scale>{scale})\b)?"
                rf"|\b(?P<sum2>{_NUMBER})(?:\s?(?P<scale2>{scale}))?\s?"
                rf"(?P<coin2>{money})(?!\w)",
                self._price,
            ),
            "share": (rf"(?P<share_of>{_NUMBER})\s?[%٪]", self._share),
            "decade": (r"\b(?P<ten>(?:1[1-9]|20)\d0)s\b", self._decade),
            "unit": (
                rf"(?P<sign>(?<!\w)[-−])?\b(?P<size>{_NUMBER})\s?(?P<what>{unit})(?!\w)",
                self._unit,
            ),
            "ordinal": (r"\b(?P<rank>\d+)(?:st|nd|rd|th)\b", self._ordinal),
            "phone": (
                r"(?:\+\d{1,3}[ -])?(?:\(\d{3}\) ?|\b\d{3}[ -])?\b\d{3}-\d{4}\b"
                r"|\+\d[\d ()-]{6,}\d",
                lambda found: self._digits(found[0]),
            ),
            "version": (r"(?<![\d.])\d+(?:\.\d+){2,}\b", self._version),
            "fraction": (r"\b(?P<top>\d{1,2})/(?P<bottom>\d{1,2})\b", self._fraction),
            "range": (r"\b(?P<low>\d+)\s?[-–]\s?(?P<high>\d+)\b", self._range),
            "number": (
                rf"(?:#|\b[Nn]o\.\s?)?(?:(?<!\w)[-−])?(?:{_NUMBER})",
                self._number,
            ),
            "short": (
                rf"(?<!\w)(?-i:{_any_of(words['abbreviations'])})(?=\s|[,;:)]|$)",
                self._short,
            ),
            "letters": (r"\b(?-i:(?:[A-Z]\.){2,})(?=\s|[,;:)]|$)", self._letters),
            "symbol": (_any_of(words["symbols"]), self._symbol),
        }
        self._kinds = {name: say for name, (_, say) in kinds.items()}
        alternatives = (f"(?P<{name}>{form})" for name, (form, _) in kinds.items())
        self.pattern = re.compile("|".join(alternatives), re.IGNORECASE)

    def say(self, found: re.Match[str]) -> str:
        """Words for what was found, as it is where it makes no sense."""
        kind = next(name for name in self._kinds if found[name] is not None)
        return self._kinds[kind](found)

    # ---- numbers ---------------------------------------------------------------

    def _words_of(self, number: int | str, to: str = "cardinal") -> str:
        from num2words import num2words

        said = num2words(int(number), lang=self._language, to=to)
        return " ".join(re.sub(r"[,-]", " ", said).split()).replace(" و ", " و")

    def _digits(self, text: str) -> str:
        return " ".join(self._words_of(digit) for digit in text if digit.isdigit())

    def _amount(self, text: str) -> str:
        """Words of ``1,234.5``."""
        whole, _, part = text.replace(",", "").replace("٫", ".").partition(".")
        code = len(whole) > LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0")
        said = self._digits(whole) if code else self._words_of(whole)
        return f"{said} {self._words['point']} {self._digits(part)}" if part else said

    def _counted(self, text: str, forms: list[str]) -> str:
        """Words of a number and of what it counts."""
        plain = text.replace(",", "")
        if not plain.isdigit():
            return f"{self._amount(text)} {forms[1 if len(forms) == 2 else 0]}"
        number = int(plain)
        if len(forms) == 2:
            return f"{self._amount(text)} {forms[number != 1]}"
        if number in (1, 2):
            return forms[number - 1]
        last = number % 100
        form = forms[2] if 3 <= last <= 10 else forms[3] if last > 10 else forms[0]
        return f"{self._amount(text)} {form}"

    def _number(self, found: re.Match[str]) -> str:
        text = found[0]
        named = re.match(r"#|no\.\s?", text, re.IGNORECASE)
        text = text[named.end() :] if named else text
        if re.fullmatch(_YEAR, text) and _YEAR_AFTER.search(
            found.string[: found.start()]
        ):
            return self._words_of(text, "year")
        minus = self._words["minus"] + " " if text[0] in "-−" else ""
        said = minus + self._amount(text.lstrip("-−"))
        return f"{self._words['number']} {said}" if named else said

    def _range(self, found: re.Match[str]) -> str:
        ends = (found["low"], found["high"])
        years = all(re.fullmatch(_YEAR, end) for end in ends)
        low, high = (
            self._words_of(end, "year") if years else self._amount(end) for end in ends
        )
        return f"{low} {self._words['to']} {high}"

    def _ordinal(self, found: re.Match[str]) -> str:
        return self._words_of(found["rank"], "ordinal")

    def _version(self, found: re.Match[str]) -> str:
        return f" {self._words['point']} ".join(map(self._amount, found[0].split(".")))

    def _fraction(self, found: re.Match[str]) -> str:
        top, bottom = int(found["top"]), int(found["bottom"])
        if self._language != "en" or not 0 < top < bottom <= 10:
            return (
                f"{self._words_of(top)} {self._words['over']} {self._words_of(bottom)}"
            )
        halves = {2: "half", 4: "quarter"}
        part = halves.get(bottom) or self._words_of(bottom, "ordinal")
        return f"{self._words_of(top)} {part}{'s' * (top > 1)}"

    def _decade(self, found: re.Match[str]) -> str:
        said = self._words_of(found["ten"], "year")
        return said[:-1] + "ies" if said.endswith("y") else said + "s"

    # ---- what numbers count ----------------------------------------------------

    def _share(self, found: re.Match[str]) -> str:
        return f"{self._amount(found['share_of'])} {self._words['per_cent']}"

    def _unit(self, found: re.Match[str]) -> str:
        said = self._counted(found["size"], self._words["units"][found["what"]])
        return f"{self._words['minus']} {said}" if found["sign"] else said

    def _price(self, found: re.Match[str]) -> str:
        text, coin = found["sum"] or found["sum2"], found["coin"] or found["coin2"]
        unit, small = _look_up(self._words["money"], coin)
        scale = found["scale"] or found["scale2"]
        if scale:
            scale = _look_up(self._words["scales"], scale)
            return f"{self._amount(text)} {scale} {unit[1 if len(unit) == 2 else 0]}"
        whole, _, part = text.replace("٫", ".").partition(".")
        if len(part) != 2:
            return self._counted(text, unit)
        said = [self._counted(whole, unit)] if int(whole.replace(",", "")) else []
        if int(part):
            said.append(self._counted(str(int(part)), small))
        joint = " و" if self._language == "ar" else " "
        return joint.join(said) or self._counted(whole, unit)

    # ---- dates and times -------------------------------------------------------

    def _slashed(self, found: re.Match[str]) -> str:
        """``12/31/2024`` has the month first in English, ``31.12.2024`` the day."""
        first, second = int(found["a"]), int(found["b"])
        month_first = self._language == "en" and found["by"] == "/" and first <= 12
        month, day = (first, second) if month_first else (second, first)
        return self._day(found[0], month, day, found["c"])

    def _date(self, found: re.Match[str]) -> str:
        if found["iso"]:
            return self._day(found[0], int(found["m"]), int(found["d"]), found["y"])
        name = (found["m1"] or found["m2"]).rstrip(".").lower()
        day = int(found["d1"] or found["d2"])
        year = found["y1"] or found["y2"]
        return self._day(found[0], self._months[name] + 1, day, year)

    def _day(self, written: str, month: int, day: int, year: str | None) -> str:
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return self._digits(written)
        to = "ordinal" if self._language == "en" else "cardinal"
        return (
            self._words["of_day"]
            .format(
                month=self._words["months"][month - 1],
                day=self._words_of(day, to),
                year=self._words_of(year, "year") if year else "",
            )
            .strip()
        )

    def _time(self, found: re.Match[str]) -> str:
        hour = int(found["hour"] or found["hour2"])
        minute = int(found["minute"] or found["minute2"] or 0)
        if self._language == "ar":
            said = self._words["hours"][hour % 12]
            rest = self._counted(str(minute), self._words["minutes"])
            return f"{said} و{rest}" if minute else said
        half = " ".join(c for c in (found["half"] or "").lower() if c in "apm")
        rest = f"oh {self._words_of(minute)}" if minute < 10 else self._words_of(minute)
        if not minute:
            rest = "" if half else "o'clock" if hour <= 12 else "hundred"
        return " ".join(part for part in (self._words_of(hour), rest, half) if part)

    # ---- names -----------------------------------------------------------------

    def _address(self, found: re.Match[str]) -> str:
        text = re.sub(r"^https?://|/$", "", found[0], flags=re.IGNORECASE)
        text = re.sub(r"^www\.", "w w w.", text, flags=re.IGNORECASE)
        names = self._words["address"]
        parts = re.findall(r"\d+|[^\W\d_]+|\s+|.", text)
        said = (
            self._amount(part) if part.isdigit() else names.get(part, part)
            for part in parts
        )
        return " ".join(" ".join(said).split())

    def _short(self, found: re.Match[str]) -> str:
        if found[0] == "St." and not re.match(r"\s+[A-Z]", found.string[found.end() :]):
            return "street"
        return self._words["abbreviations"][found[0]]

    def _letters(self, found: re.Match[str]) -> str:
        return " ".join(found[0].replace(".", " ").lower().split())

    def _symbol(self, found: re.Match[str]) -> str:
        return f" {self._words['symbols'][found[0]]} "


def _of_year(name: str) -> str:
    """Pattern of a year behind a day."""
    return rf"(?:,?\s+(?P<{name}>{_YEAR}))?(?!\d)"


def _any_of(names: Mapping[str, Any]) -> str:
    """Pattern of any of these, the longest first."""
    return (
        "(?:"
        + "|".join(map(re.escape, sorted(names, key=lambda n: (-len(n), n))))
        + ")"
    )


def _look_up(names: Mapping[str, Any], written: str) -> Any:
    """Find what is written in one case or another."""
    if written in names:
        return names[written]
    folded = {name.lower(): value for name, value in names.items()}
    return folded[written.lower()]
