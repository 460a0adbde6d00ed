"""Purpose of the appliance. Some are forbidden, so it is asked, and stands in the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from device.errors import ConfigError

LAWFUL: Mapping[str, str] = {
    "home": "at home, for those who live there and know of it",
    "research": "research with the consent of those seen and heard",
    "assistive": "to help a person who asked for it",
    "medical": "for medical reasons",
    "safety": "for safety reasons",
}

FORBIDDEN: Mapping[str, str] = {"workplace": "at work", "education": "in a school or at a university"}

_OTHER_WORDS = {"work": "workplace", "office": "workplace", "school": "education", "university": "education"}


def require_lawful(purpose: str) -> str:
    """The purpose by its name in the configuration. Raises ``ConfigError`` with the reason for one that is not lawful.

    Source: Regulation (EU) 2024/1689 (AI Act), Article 5(1)(f), which applies since 2 February 2025.
    """
    name = purpose.strip().casefold()
    name = _OTHER_WORDS.get(name, name)
    if name in FORBIDDEN:
        raise ConfigError(
            f"node.purpose = {purpose!r}: reading emotions {FORBIDDEN[name]} is forbidden in the EU, save for medical "
            "or safety reasons (AI Act, Article 5(1)(f)), and affectd is not made for it; nothing is set up"
        )
    if name not in LAWFUL:
        raise ConfigError(f"node.purpose = {purpose!r} is not known; say one of {', '.join(LAWFUL)}")
    return name
