"""Code of one's own, loaded for as long as a run lasts, with the digests of the files that it is made of."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sparselab.core.errors import SettingError
from sparselab.training.own_code.explaining import explained
from sparselab.training.own_code.reference import Reference


@dataclass(frozen=True, eq=False)
class OwnCode:
    """What a reference names, as `value`. `root` is the folder from which its modules are imported."""

    reference: Reference
    value: Any
    root: Path
    package: str
    files: Mapping[str, str]

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of every file of this code that was imported so far, by absolute path.

        Counted are the file or module itself and the modules that lie beside it; what is installed elsewhere is not.
        """
        beside = {str(path): _digest(path) for path in _beside(self.root, self.package)}
        return {**beside, **self.files}

    def has(self, path: str) -> bool:
        """Whether a file belongs to this code: it lies in its folder, and in no folder of installed packages below that."""
        place = Path(path)
        return place.is_relative_to(self.root) and "site-packages" not in place.relative_to(self.root).parts


@contextmanager
def loaded(references: Mapping[str, Reference]) -> Iterator[Mapping[str, OwnCode]]:
    """Yield the code of references, each under its key. Their folders are on Python's path in the block.

    Their files are forgotten after it, so that one that was changed is read anew by the next run of the same process. A file
    that two of them name is run once.

    Raises: SettingError in one sentence, with the line, where the code is missing or fails.
    """
    with ExitStack() as stack:
        modules: dict[Path, tuple[ModuleType, str]] = {}
        yield {key: _load(reference, modules, stack) for key, reference in references.items()}


def given(value: Any) -> OwnCode:
    """Return a function or class that Python code hands over, known by its file, or by its own text where it has none.

    Example: >>> from sparselab.training.setting_text import parse_values
             >>> str(given(parse_values).reference)
             'sparselab.training.setting_text:parse_values'
    """
    module, name = getattr(value, "__module__", None) or "", getattr(value, "__qualname__", type(value).__name__)
    source = getattr(sys.modules.get(module), "__file__", None)
    name = name.rpartition(".")[2].strip("<>") if "<" in name else name
    if source is None:
        reference = Reference(name, module=module or "__main__")
        return OwnCode(reference, value, Path(), module, {str(reference): _digest_of_text(value)})
    file = Path(source).absolute()
    reference = Reference(name, file=file) if module == "__main__" else Reference(name, module=module)
    package = "" if module == "__main__" else module.partition(".")[0]
    return OwnCode(reference, value, file.parents[module.count(".")], package, {str(file): _digest(file)})


def _load(reference: Reference, modules: dict[Path, tuple[ModuleType, str]], stack: ExitStack) -> OwnCode:
    if reference.file is None:
        return _from_module(reference)
    path = reference.file.absolute()
    if path not in modules:
        modules[path] = _run_file(path, stack)
    module, digest = modules[path]
    return OwnCode(reference, _attribute(module, reference), path.parent, "", {str(path): digest})


def _run_file(path: Path, stack: ExitStack) -> tuple[ModuleType, str]:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise SettingError(f"expected a file {path}; it cannot be read ({error.strerror})") from None
    stack.enter_context(_importing(path.parent))
    module = ModuleType(_free_name(path))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses and pickles look there
    stack.callback(sys.modules.pop, module.__name__, None)
    with explained(path.name, lambda file: Path(file).parent == path.parent):
        code = compile(source, str(path), "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - the user's own code, which the user named
    return module, hashlib.sha256(source).hexdigest()


def _from_module(reference: Reference) -> OwnCode:
    package = reference.module.partition(".")[0]
    with explained(reference.place, lambda file: package in Path(file).parts):
        try:
            module = importlib.import_module(reference.module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{reference.module}.".startswith(f"{error.name}."):
                raise
            raise SettingError(
                f"expected a module {reference.module} that Python can import; there is no {error.name}: install it, set "
                "PYTHONPATH, or give FILE.py:NAME"
            ) from None
    top = sys.modules[package]
    file = Path(getattr(top, "__file__", None) or getattr(module, "__file__", None) or "")
    root = file.absolute().parent.parent if file.name == "__init__.py" else file.absolute().parent
    return OwnCode(reference, _attribute(module, reference), root, package, {})


def _attribute(module: ModuleType, reference: Reference) -> Any:
    value: Any = module
    for part in reference.name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            known = [name for name, own in vars(module).items() if callable(own) and name[:1] != "_"]
            some = ", ".join(known[:10]) or "nothing that can be called"
            raise SettingError(f"expected {reference.place} to define {reference.name}; it defines {some}") from None
    return value


def _free_name(path: Path) -> str:
    stem = path.stem if path.stem.isidentifier() else "own"
    taken = stem in sys.modules or stem in sys.stdlib_module_names
    return f"{stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}" if taken else stem


@contextmanager
def _importing(folder: Path) -> Iterator[None]:
    """Let modules of `folder` be imported, as Python does for the file that it runs."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in _names_beside(folder, ""):
            if name not in before:
                sys.modules.pop(name, None)


def _beside(root: Path, package: str) -> list[Path]:
    return [_file_of(root, name) for name in _names_beside(root, package)]


def _names_beside(root: Path, package: str) -> list[str]:
    """The names of the imported modules that lie in `root`: of one package, or (empty) of all but ours."""
    found = []
    for name, module in sorted(sys.modules.items()):
        top, file = name.partition(".")[0], getattr(module, "__file__", None)
        wanted = top == package if package else top != "sparselab"
        if wanted and isinstance(file, str) and Path(file).absolute() == _file_of(root, name):
            found.append(name)
    return found


def _file_of(root: Path, name: str) -> Path:
    whole = root.joinpath(*name.split("."))
    module = whole.with_name(f"{whole.name}.py")
    return module if module.is_file() else whole / "__init__.py"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest_of_text(value: Any) -> str:
    try:
        text = inspect.getsource(value)
    except (OSError, TypeError):
        raise SettingError(
            f"expected a function or class whose text can be read, to know it again; got {value!r}: define it in a file"
        ) from None
    return hashlib.sha256(text.encode()).hexdigest()
