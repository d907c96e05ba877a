"""What the verify kit believes: one list of vectors, which its Python module and the examples for others all follow."""

import ast
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso.adapters import verify_kit
from sso.adapters.verify_kit import Refused, VerifyKit
from tests.sso.adapters import vectors

KITS = vectors.ROOT / "docs" / "verify-kit"
DOCUMENT: dict[str, Any] = json.loads(vectors.FILE.read_text("utf-8"))
VECTORS = DOCUMENT["vectors"]


def kit(**changes: Any) -> VerifyKit:
    made = {"issuer": DOCUMENT["issuer"], "audience": DOCUMENT["audience"], "keys": DOCUMENT["jwks"]} | changes
    return VerifyKit(**made)


def judged(values: list[str], verifier: VerifyKit | None = None) -> str | None:
    try:
        (verifier or kit()).verified(values, now=DOCUMENT["now"])
    except Refused as refused:
        return refused.reason
    return None


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_vector_is_judged_as_it_says(vector: dict[str, Any]) -> None:
    assert judged(vector["values"]) == vector["refused"]


def test_the_vectors_in_the_manual_are_those_of_the_list() -> None:
    names = [(vector["name"], vector["refused"]) for vector in VECTORS]
    assert names == [(name, refused) for name, _, refused in (*vectors.good(), *vectors.bad())]


def test_what_is_believed_is_what_was_signed() -> None:
    value = vectors.token(vectors.HEADER, vectors.CLAIMS)
    assert kit().verified([value], now=vectors.NOW) == vectors.CLAIMS


def test_an_assertion_is_taken_once_where_the_system_remembers() -> None:
    seen: set[str] = set()

    def first_use(jti: str, until: int) -> bool:
        assert until >= vectors.NOW + 60
        return not (jti in seen or seen.add(jti))  # type: ignore[func-returns-value]  # None is what is wanted

    verifier = kit(first_use=first_use)
    value = vectors.token(vectors.HEADER, vectors.CLAIMS)
    assert (judged([value], verifier), judged([value], verifier)) == (None, "replayed")


def test_a_key_set_with_two_keys_of_one_kid_is_refused() -> None:
    twice = {"keys": [*DOCUMENT["jwks"]["keys"], DOCUMENT["jwks"]["keys"][0]]}
    with pytest.raises(ValueError, match="one kid"):
        kit(keys=twice)


def test_keys_for_other_algorithms_are_left_out() -> None:
    others = [{"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"}, {"kty": "oct", "kid": "o", "k": "c2VjcmV0"}]
    value = vectors.header_with(kid="o")
    assert judged([value], kit(keys={"keys": [*others, *DOCUMENT["jwks"]["keys"]]})) == "kid"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(), cut=st.integers(0, 400), letter=st.sampled_from(vectors._LETTERS + ".= \x00ế"))
def test_no_change_of_one_letter_is_believed(seed: int, cut: int, letter: str) -> None:
    value = VECTORS[0]["values"][0]
    at = random.Random(seed).randrange(len(value)) if cut > len(value) - 1 else cut
    changed = value[:at] + letter + value[at + 1 :]
    assert changed == value or judged([changed]) is not None


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_nothing_typed_is_believed_or_breaks_it(text: str) -> None:
    assert judged([text]) is not None


def test_a_deep_header_is_refused_in_no_time() -> None:
    deep = vectors.token("[" * 3_000, vectors.CLAIMS)
    assert judged([deep]) == "json"


def test_the_module_needs_nothing_but_the_standard_library_and_python_jose() -> None:
    tree = ast.parse(Path(verify_kit.__file__).read_text("utf-8"))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {
        node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    assert imported - set(sys.stdlib_module_names) == {"jose"}


# The examples for other languages say the same


def words(command: list[str], folder: Path) -> list[str | None]:
    """What a kit prints: for each vector its word, or null."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer: list[str | None] = json.loads(done.stdout)
    return answer


def expected() -> list[str | None]:
    return [vector["refused"] for vector in VECTORS]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed: the JavaScript example is not run")
def test_the_example_for_njs_says_the_same_in_node(tmp_path: Path) -> None:
    (tmp_path / "kit.mjs").write_text((KITS / "portal_identity.js").read_text("utf-8"), "utf-8")
    (tmp_path / "run.mjs").write_text(
        f"""
        import {{ readFileSync }} from "node:fs";
        import kits from "./kit.mjs";
        const from = JSON.parse(readFileSync({json.dumps(str(vectors.FILE))}));
        const kit = kits.verifyKit({{ issuer: from.issuer, audience: from.audience, keys: from.jwks }});
        const said = [];
        for (const vector of from.vectors) {{
            said.push(await kit.verified(vector.values, from.now).then(() => null, (error) => error.reason || String(error)));
        }}
        console.log(JSON.stringify(said));
        """,
        "utf-8",
    )
    assert words(["node", "run.mjs"], tmp_path) == expected()


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed: its example is not run")
def test_the_example_for_php_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "run.php").write_text(
        f"""<?php
        require {json.dumps(str(KITS / "portal_identity.php"))};
        $from = json_decode(file_get_contents({json.dumps(str(vectors.FILE))}), true);
        $kit = new VerifyKit($from['issuer'], $from['audience'], $from['jwks']);
        $said = [];
        foreach ($from['vectors'] as $vector) {{
            try {{
                $kit->verified($vector['values'], $from['now']);
                $said[] = null;
            }} catch (Refused $refused) {{
                $said[] = $refused->getMessage();
            }}
        }}
        echo json_encode($said);
        """,
        "utf-8",
    )
    assert words(["php", "run.php"], tmp_path) == expected()


@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java compiler is installed: the Java example is not run")
def test_the_example_for_java_says_the_same(tmp_path: Path) -> None:
    # Java has no reader of JSON: the vectors go in as lines, words come out as lines.
    lines = [str(DOCUMENT["now"]), DOCUMENT["issuer"], DOCUMENT["audience"], json.dumps(DOCUMENT["jwks"])]
    lines += [
        "\t".join(json.dumps(value)[1:-1] for value in vector["values"]) if vector["values"] else "\x01"
        for vector in VECTORS
    ]
    (tmp_path / "vectors.txt").write_text("\n".join(lines), "utf-8")
    (tmp_path / "Run.java").write_text(
        """
        import java.nio.file.*;
        import java.util.*;
        public class Run {
            public static void main(String[] none) throws Exception {
                List<String> lines = Files.readAllLines(Path.of("vectors.txt"));
                PortalIdentity kit = new PortalIdentity(lines.get(1), lines.get(2), lines.get(3));
                List<String> said = new ArrayList<>();
                for (String line : lines.subList(4, lines.size())) {
                    List<String> values = new ArrayList<>();
                    if (!line.equals("\\u0001")) {
                        for (String value : line.split("\\t", -1)) values.add(value.replace("\\\\n", "\\n"));
                    }
                    try {
                        kit.verified(values, Long.parseLong(lines.get(0)));
                        said.add("null");
                    } catch (PortalIdentity.Refused refused) {
                        said.add('"' + refused.getMessage() + '"');
                    }
                }
                System.out.println(said);
            }
        }
        """,
        "utf-8",
    )
    subprocess.run(
        ["javac", "-d", str(tmp_path), str(KITS / "PortalIdentity.java"), "Run.java"],
        cwd=tmp_path,
        check=True,
        timeout=120,
        capture_output=True,
    )
    assert words(["java", "-cp", str(tmp_path), "Run"], tmp_path) == expected()
