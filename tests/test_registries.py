"""Every registry is walked: its entries are the cases of a law test, so that whatever is registered is held to the laws.

A registry is a public constant of a module: a mapping to functions, to classes, or to values of this package's classes. Besides,
the choices of every setting are registries of names, and so are the column orders of a file. Texts that explain names are none.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

import sparselab
from sparselab.analysis.similarity import SIMILARITIES
from sparselab.analysis.toy_steps import PRODUCTS
from sparselab.app.explore.details import TABS
from sparselab.app.learn.drawn import DRAWN
from sparselab.app.training.start import PRESETS
from sparselab.auditing.patterns import PATTERNS
from sparselab.benchmarking.opponents import OPPONENTS
from sparselab.core.im2col import COLUMN_ORDERS
from sparselab.core.inputs.words import WORD_TYPES
from sparselab.core.plugins import Registry
from sparselab.core.settings import settings_of
from sparselab.diagnosis import CAUSES
from sparselab.diagnosis.trials import TRIALS
from sparselab.formats import FORMATS, REWRITERS, WRITERS
from sparselab.formats.combiners import COMBINERS
from sparselab.formats.kinds.rules import STEPS
from sparselab.formats.parsing.onnx.tensors import TYPES
from sparselab.grouping import GROUPERS
from sparselab.kernels import KERNELS
from sparselab.lessons.catalogue import LESSONS
from sparselab.lessons.views import VIEWS
from sparselab.pruning.distributions import DISTRIBUTIONS
from sparselab.pruning.scores import SCORES
from sparselab.training.methods import METHODS
from sparselab.training.models import MODELS
from sparselab.training.paper_results import PAPERS
from sparselab.training.settings import TrainSettings
from sparselab.training.tasks import TASKS
from sparselab.transforms import TRANSFORMS
from sparselab.transforms.regroup.rules import RULES
from sparselab.workflows.sweeps.executors import EXECUTORS
from sparselab.workflows.sweeps.kinds import KINDS
from tests.analysis import test_similarity, test_toy
from tests.app import test_explore_page, test_training_page
from tests.app.learn import test_page as test_learn_page
from tests.auditing import test_patterns
from tests.benchmarking import test_dense_opponents
from tests.core import test_im2col, test_words
from tests.diagnosis import test_causes, test_doctor
from tests.formats import test_hostile, test_onnx_reader, test_round_trips
from tests.formats.kinds import test_kinds
from tests.formats.models import test_combiners
from tests.formats.writing import test_write_back
from tests.grouping import test_grouping
from tests.kernels import test_conformance as test_kernels
from tests.lessons import test_shipped
from tests.pruning import test_distributions, test_scores
from tests.training import test_laws, test_models, test_paper_results, test_tasks
from tests.transforms import test_conformance as test_transforms
from tests.transforms.regroup import test_rules
from tests.workflows import test_compare
from tests.workflows.sweeps import test_running, test_task_kinds

Test = Callable[..., None]

WALKS: tuple[tuple[Iterable[Any], Test], ...] = (
    (TRANSFORMS, test_transforms.test_laws),
    (TRANSFORMS, test_compare.test_every_transform_names_its_contenders),
    (EXECUTORS, test_running.test_every_executor_comes_to_the_same_files),
    (KINDS, test_task_kinds.test_results_of_every_kind_are_what_the_task_determines_and_no_more),
    (RULES, test_rules.test_rounds_end_and_no_weight_lies_in_two_blocks),
    (GROUPERS, test_grouping.test_every_row_is_in_one_group_and_promised_sizes_are_kept),
    (KERNELS, test_kernels.test_every_kernel_is_right_on_all_that_it_says_it_can_run),
    (KERNELS, test_kernels.test_a_kernel_runs_the_products_and_on_the_devices_that_it_names),
    (OPPONENTS, test_dense_opponents.test_every_opponent_is_right_within_its_bound_or_says_why_it_is_not_there),
    (FORMATS, test_round_trips.test_every_format_that_is_read),
    (FORMATS, test_hostile.test_every_format_has_hostile_files),
    (FORMATS, test_hostile.test_changed_bytes_are_read_or_refused),
    (TYPES, test_onnx_reader.test_numbers_of_every_type_and_place),
    *((rules, test_kinds.test_every_rule_catches_its_example_and_not_the_near_miss) for _, rules in STEPS),
    (WORD_TYPES, test_words.test_zeros_ones_and_special_numbers_are_those_of_torch),
    (PATTERNS, test_patterns.test_a_pattern_is_counted_as_its_definition_says),
    (PATTERNS, test_patterns.test_a_pattern_is_found_and_one_break_is_where_it_was_put),
    (PATTERNS, test_patterns.test_chance_is_what_random_masks_of_the_same_count_have),
    (COMBINERS, test_combiners.test_a_combiner_leaves_what_is_not_its_own_as_it_is),
    (WRITERS, test_round_trips.test_written_formats),
    (REWRITERS, test_write_back.test_without_a_change_every_tensor_is_what_it_was),
    (SCORES, test_scores.test_every_score_tells_weights_apart),
    (SIMILARITIES, test_similarity.test_every_similarity_is_its_definition),
    (PRODUCTS, test_toy.test_every_way_of_multiplying_gives_the_same_answer),
    (PAPERS, test_paper_results.test_every_paper_has_figures_and_a_word_of_care),
    (TASKS, test_tasks.test_what_a_task_says_of_itself),
    (MODELS, test_models.test_every_weight_that_can_be_pruned_takes_part),
    (MODELS, test_laws.test_dynamic_masks_keep_their_counts_at_every_update),
    (DISTRIBUTIONS, test_distributions.test_the_budget_is_kept_to_the_weight),
    (METHODS, test_laws.test_every_method_keeps_what_it_is_told),
    (TABS, test_explore_page.test_a_link_opens_its_tab_under_the_name_that_the_tab_always_had),
    (PRESETS, test_training_page.test_every_preset_is_a_run_that_keeps_the_rules),
    (CAUSES, test_causes.test_a_cause_finds_its_own_and_not_the_near_miss),
    (TRIALS, test_doctor.test_every_trial_gives_the_same_answers_or_says_why_it_was_not_tried),
    (LESSONS, test_shipped.test_nothing_is_wrong_with_a_lesson_and_its_facts_lie_ready),
    (LESSONS, test_learn_page.test_every_step_opens_in_every_language_and_reveals_without_a_guess),
    (VIEWS, test_shipped.test_every_kind_of_view_counts_and_draws),
    (DRAWN, test_learn_page.test_every_kind_of_view_is_drawn),
    (COLUMN_ORDERS, test_im2col.test_every_column_order_says_what_a_column_runs_over),
)


def cases(test: Test) -> set[Any]:
    """The values that pytest runs a test with; of cases of several values, the cases and each of their values."""
    found: set[Any] = set()
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize":
            for case in mark.args[1]:
                found |= {case, *case} if isinstance(case, tuple) else {case}
    return found


def missing(registry: Iterable[str], test: Test) -> set[str]:
    """The entries that a test is not run with."""
    return set(registry) - cases(test)


def registries() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every registry of the package, by the first module that holds it."""
    seen: set[int] = set()
    for found in pkgutil.walk_packages(sparselab.__path__, "sparselab."):
        if found.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(found.name)).items():
            if name[0].isupper() and is_registry(value) and id(value) not in seen:
                seen.add(id(value))
                yield f"{found.name}.{name}", value


def is_registry(value: object) -> bool:
    if isinstance(value, Registry):
        return True  # with the entries of other packages
    return isinstance(value, Mapping) and bool(value) and all(is_entry(each) for each in value.values())


def is_entry(value: object) -> bool:
    of_ours = type(value).__module__.startswith("sparselab")
    return of_ours or (callable(value) and getattr(value, "__module__", "").startswith("sparselab"))


REGISTRIES = dict(registries())


@pytest.mark.parametrize("name", REGISTRIES)
def test_every_registry_is_walked(name: str) -> None:
    assert any(registry is REGISTRIES[name] for registry, _ in WALKS), f"{name}: name the test that walks it in WALKS"


@pytest.mark.parametrize(("registry", "test"), WALKS, ids=lambda value: getattr(value, "__name__", ""))
def test_no_entry_is_passed_by(registry: Iterable[str], test: Test) -> None:
    assert not missing(registry, test)


@pytest.mark.parametrize("kind", [*TRANSFORMS.values(), TrainSettings, *(task.settings for task in TASKS.values())])
def test_every_choice_of_a_setting_is_walked(kind: type) -> None:
    """Those of transforms by their laws; those of a run by its laws, or as the registries they are."""
    names = [name for name, each in TRANSFORMS.items() if each is kind]
    walked = cases(test_transforms.test_every_choice_of_every_setting_obeys_the_laws)
    run = cases(test_laws.test_a_run_ends_whatever_is_chosen_and_every_choice_names_another_run)
    for setting in settings_of(kind):
        for choice in setting.choices:
            if names:
                assert (names[0], setting.name, choice) in walked
            else:
                lists = [registry for registry, _ in WALKS if tuple(registry) == setting.choices]
                assert lists or (setting.name, choice) in run, setting.name


def test_the_finder_sees_registries_and_what_no_test_walks() -> None:
    found = [id(registry) for registry in REGISTRIES.values()]
    assert {id(registry) for registry in (TRANSFORMS, KERNELS, WRITERS, RULES)} <= set(found)
    for registry, test in WALKS:
        assert missing([*registry, "new"], test) == {"new"}
    assert is_registry({"new": KERNELS["dense"]})
    assert is_registry({"new": type(KERNELS["dense"])})
    assert is_registry({"new": settings_of})
    assert not is_registry({"new": "a text"})
