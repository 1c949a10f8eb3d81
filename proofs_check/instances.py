"""The explicit sizes at which a statement is tried, and what they are called."""

from __future__ import annotations

from theory.settings import Instance, Setting

DEFAULT_SIZES = (4, 2, 3, 5)


def instances_of(setting: Setting) -> tuple[Instance, ...]:
    """The setting's instances, or one with small distinct sizes."""
    if setting.instances:
        return setting.instances
    return (Instance({size.name: DEFAULT_SIZES[n % len(DEFAULT_SIZES)] for n, size in enumerate(setting.sizes)}),)


def label(setting: Setting, instance: Instance) -> str:
    """The instance in a few words: N=4 M=2 L=3."""
    sizes = [f"{name}={value}" for name, value in sizes_of(setting, instance).items()]
    values = [f"{name}={value}" for name, value in instance.values.items() if not isinstance(value, tuple) and _used(setting, name)]
    return " ".join([*sizes, *values])


def _used(setting: Setting, name: str) -> bool:
    expressions = [d.family.value for d in setting.definitions] + ([setting.flow.pairing] if setting.flow else [])
    return any(symbol.name == name for e in expressions for symbol in e.free_symbols)


def sizes_of(setting: Setting, instance: Instance) -> dict[str, int]:
    """The number of every symbolic size of the setting."""
    return {size.name: instance.sizes[size.name] for size in setting.sizes}
