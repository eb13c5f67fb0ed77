from __future__ import annotations

from hypothesis import Phase, settings

from pv.properties import profiles


def test_nightly_is_twenty_times_dev_and_ci_is_the_same_each_time() -> None:
    before = settings.get_current_profile_name()
    profiles.register()
    dev, ci, nightly = (settings.get_profile(name) for name in profiles.PROFILES)
    assert (dev.max_examples, ci.max_examples, nightly.max_examples) == (1000, 1000, 20_000)
    assert (dev.derandomize, ci.derandomize, nightly.derandomize) == (False, True, False)
    assert settings.get_current_profile_name() == before


def test_a_profile_of_the_users_own_says_how_many_examples_there_are() -> None:
    before = settings.get_current_profile_name()
    settings.register_profile("own-of-a-user", max_examples=7)
    try:
        settings.load_profile("own-of-a-user")
        assert profiles.examples() == 7
    finally:
        settings.load_profile(before)
    settings.register_profile("says-nothing", max_examples=100)
    try:
        settings.load_profile("says-nothing")
        assert profiles.examples() == profiles.EXAMPLES
    finally:
        settings.load_profile(before)


def test_what_a_mutant_does_is_not_shrunk() -> None:
    assert Phase.shrink not in profiles.of_property(on_a_mutant=True).phases
    assert Phase.shrink in profiles.of_property(on_a_mutant=False).phases
