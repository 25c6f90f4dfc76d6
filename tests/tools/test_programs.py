"""Programs that tools run in processes of their own, written as text, where no type checker looks."""

import ast
import importlib
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def programs():
    """Every (file, program) that imports something of ours."""
    for file in sorted(TOOLS.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if "import mmdia_dataset" in text or "from mmdia_dataset" in text:
                yield file.name, text


def test_what_they_import_is_there():
    missing, looked_at = [], 0
    for file, program in programs():
        for node in ast.walk(ast.parse(program)):
            if isinstance(node, ast.Import):
                names = [(alias.name, None) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module, alias.name) for alias in node.names]
            else:
                continue
            for module, name in names:
                if not module.startswith("mmdia_dataset"):
                    continue
                looked_at += 1
                try:
                    found = importlib.import_module(module)
                except ImportError:
                    missing.append((file, module))
                else:
                    if name is not None and not hasattr(found, name):
                        missing.append((file, module, name))
    assert not missing
    assert looked_at > 10
