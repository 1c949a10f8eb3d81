"""The explicit sizes at which a statement is tried, and what they are called."""

from __future__ import annotations

from theory.settings import Instance, Setting

DEFAULT_SIZES = (4, 2, 3, 5)


def instances_of(setting: Setting) -> tuple[Instance, ...]:
    """The setting's instances, or one with small distinct sizes."""
    if setting.instances:
        return setting.instances
    return (Instance({size.name: DEFAULT_SIZES[n % len(DEFAULT_SIZES)] for n, size in enumerate(setting.sizes)}),)


def elsewhere(setting: Setting, instances: tuple[Instance, ...]) -> tuple[Instance, ...]:
    """The first instance with every size one larger, and without the values it puts in: what holds at these alone is not to pass for a law."""
    first = instances[0]
    if not setting.sizes and not first.values:
        return ()
    return (Instance({name: value + 1 for name, value in first.sizes.items()}, {}),)


def label(setting: Setting, instance: Instance) -> str:
    """The instance in a few words: N=4 M=2 L=3."""
    sizes = [f"{name}={value}" for name, value in sizes_of(setting, instance).items()]
    declared = {variable.name for variable in setting.variables}
    values = [f"{name}={value}" for name, value in instance.values.items() if not isinstance(value, tuple) and name in declared]
    return " ".join([*sizes, *values])


def sizes_of(setting: Setting, instance: Instance) -> dict[str, int]:
    """The number of every symbolic size of the setting."""
    return {size.name: instance.sizes[size.name] for size in setting.sizes}
