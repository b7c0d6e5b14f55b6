"""What is of use in a chat completion."""

from dataclasses import dataclass
from typing import Any

from tools.restoration.answers import MalformedAnswerError

_PARTS = ("prompt", "completion")


@dataclass(frozen=True)
class Reply:
    """An answer, why it ends there, and what it cost.

    Attributes:
        content: the text, if there is any.
        finish_reason: ``stop`` for a whole answer.
        refused: whether the model declined to answer.
        prompt_tokens: read; 0 where the server does not say.
        completion_tokens: written; 0 where the server does not say.
    """

    content: str | None
    finish_reason: str | None
    refused: bool
    prompt_tokens: int
    completion_tokens: int

    @classmethod
    def read(cls, completion: Any) -> "Reply":
        """Look into what the library gives, which is built of any body that comes.

        Raises:
            ValueError: it is no chat completion.
        """
        try:
            choice, usage = completion.choices[0], completion.usage
            content, reason = choice.message.content, choice.finish_reason
            refused = bool(getattr(choice.message, "refusal", None))
            spent = [getattr(usage, f"{part}_tokens", 0) for part in _PARTS]
        except (AttributeError, IndexError, KeyError, TypeError):
            raise ValueError("what came back is no chat completion") from None
        text = content if isinstance(content, str) else None
        tokens = [count if isinstance(count, int) else 0 for count in spent]
        return cls(text, reason, refused, *tokens)

    def text(self) -> str:
        """The whole answer.

        Raises:
            MalformedAnswerError: there is none.
        """
        if self.finish_reason == "length":
            raise MalformedAnswerError("answer was cut off at the limit of tokens")
        if self.finish_reason == "content_filter":
            raise MalformedAnswerError("answer was withheld by a content filter")
        if self.refused:
            raise MalformedAnswerError("the model refused to answer")
        return self.content or ""
