"""What is wrong with a pack, in words that name the pack, the field, what was expected and what was there."""

from dataclasses import dataclass

from shared_kernel.errors import ArtifactError


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong field: its dotted path in model.yaml, and `expected …, got …`."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class BadPack(ArtifactError):
    """A pack that cannot be used; `problems` says why, field by field. Nothing else comes out of loading a pack."""

    def __init__(self, pack: str, *problems: Problem) -> None:
        super().__init__(f"pack {pack}: " + "; ".join(map(str, problems)))
        self.pack = pack
        self.problems = problems

    @property
    def reason(self) -> str:
        """The problems without the pack's name."""
        return "; ".join(map(str, self.problems))


def bad(pack: str, field: str, message: str) -> BadPack:
    """Make the usual case: one field is wrong."""
    return BadPack(pack, Problem(field, message))
