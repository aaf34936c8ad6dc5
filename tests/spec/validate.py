#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the decoder with config.schema.json, judged by an independent validator.

    validate.py [--fuzz N [--seed S]] BUILD/tests/unit/spec_corpus_test

Checks that the schema is a good JSON Schema 2020-12, that each property has a description, a
default and examples which validate, that no object takes unknown keys, and that decoder and
validator know the same keys of every object and give the same verdict on every file of good/, bad/
and semantic/. --fuzz N: and on N documents made out of the corpus by exchanging, changing and
dropping parts of it.

semantic/ holds what the schema accepts and code refuses; where the decoder itself refuses one
(the order of a CPU range), that is listed in CODE_ONLY below.

A reader of JSON that is stricter than Python's stands in for base/json.h: I-JSON (RFC 7493), no
U+0000, at most 32 levels.
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = os.path.join(HERE, "..", "..", "config.schema.json")
CODE_ONLY = {"cpu-range-backwards.json", "mems-range-backwards.json", "port-range-backwards.json",
             "port-range-longer.json"}
DEPTH = 32


class NotJson(ValueError):
    pass


def no_duplicates(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise NotJson("duplicate key")
    return result


def no_constant(text):
    raise NotJson(text)


def check_tree(node, depth=0):
    if isinstance(node, str):
        node.encode("utf-8")  # a lone surrogate raises
        if "\0" in node:
            raise NotJson("U+0000")
    elif isinstance(node, (dict, list)):
        if depth >= DEPTH:
            raise NotJson("too deep")
        if isinstance(node, dict):
            for key in node:
                check_tree(key, depth + 1)
            node = node.values()
        for child in node:
            check_tree(child, depth + 1)


def load(data):
    tree = json.loads(data.decode("utf-8"), object_pairs_hook=no_duplicates,
                      parse_constant=no_constant)
    check_tree(tree)
    return tree


def ecma_pattern(validator, pattern, instance, schema):
    # JSON Schema means ECMA-262, where "$" is the very end; Python's also matches before a newline.
    if isinstance(instance, str):
        pattern = re.sub(r"(?<!\\)\$", r"\\Z", pattern)
        if not re.search(pattern, instance):
            yield ValidationError("%r does not match %r" % (instance[:80], pattern[:80]))


Validator = extend(Draft202012Validator, {"pattern": ecma_pattern})


class Decoder:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "--verdicts"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def verdict(self, data):
        self.process.stdin.write(b"%d\n" % len(data) + data)
        self.process.stdin.flush()
        line = self.process.stdout.readline().decode().rstrip("\n")
        if not line:
            sys.exit("the decoder ended")
        return line == "ok", line


def schema_verdict(validator, data):
    try:
        tree = load(data)
    except (ValueError, RecursionError) as e:
        return False, "not JSON: %s" % e
    error = next(validator.iter_errors(tree), None)
    return error is None, error.message[:200] if error else "ok"


def subschema_problems(schema, where, root):
    """Description, default and examples of every property, item and map value."""
    def fits(value):
        return Validator({**schema, "$defs": root["$defs"]}).is_valid(value)

    if not schema.get("description"):
        yield "%s: no description" % where
    if "default" not in schema:
        yield "%s: no default" % where
    elif schema["default"] is not None and not fits(schema["default"]):
        yield "%s: the default does not validate" % where
    if not schema.get("examples"):
        yield "%s: no examples" % where
    later = schema.get("not") == {}
    if later != schema.get("description", "").startswith("Not supported yet"):
        yield "%s: later, but does not say so" % where
    for example in schema.get("examples", []):
        if not later and not fits(example):
            yield "%s: example %r does not validate" % (where, example)


def schema_problems(node, where, root, conditional=False):
    if isinstance(node, list):
        for i, child in enumerate(node):
            yield from schema_problems(child, "%s[%d]" % (where, i), root, conditional)
    if not isinstance(node, dict):
        return
    if node.get("type") == "object" and "additionalProperties" not in node:
        yield "%s: takes unknown keys" % where
    for key, child in node.items():
        if key in ("default", "examples", "enum", "const"):
            continue
        path = "%s.%s" % (where, key)
        # What if, then and else repeat is described where it is first said.
        inside = conditional or key in ("if", "then", "else", "not")
        if key == "properties":
            for name, schema in child.items():
                if not inside:
                    yield from subschema_problems(schema, "%s.%s" % (where, name), root)
                yield from schema_problems(schema, "%s.%s" % (where, name), root, inside)
            continue
        if key in ("items", "additionalProperties") and isinstance(child, dict) and not inside:
            yield from subschema_problems(child, path, root)
        yield from schema_problems(child, path, root, inside)


def read_corpus():
    for directory in ("good", "bad", "semantic"):
        for name in sorted(os.listdir(os.path.join(HERE, directory))):
            if name.endswith(".json"):
                with open(os.path.join(HERE, directory, name), "rb") as f:
                    yield directory, name, f.read()


def objects(schema, root, wrap=lambda v: v):
    """Each object of the schema: a function that puts a value at its place, and its keys."""
    if "$ref" in schema:
        yield from objects(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, wrap)
    for choice in schema.get("anyOf", []):
        yield from objects(choice, root, wrap)
    if "properties" in schema:
        yield wrap, list(schema["properties"])
    for key, child in schema.get("properties", {}).items():
        yield from objects(child, root, lambda v, key=key: wrap({key: v}))
    if isinstance(schema.get("items"), dict):
        yield from objects(schema["items"], root, lambda v: wrap([v]))
    if isinstance(schema.get("additionalProperties"), dict):
        name = schema["propertyNames"].get("enum", ["a"])[0]
        yield from objects(schema["additionalProperties"], root, lambda v: wrap({name: v}))


def check_keys(schema, decoder):
    """The decoder names all keys that it knows when one is far from each."""
    problems = []
    found = 0
    for wrap, keys in objects(schema, schema):
        data = json.dumps(wrap({"?" * 40: 0})).encode()
        _, line = decoder.verdict(data)
        known = re.search(r"unknown key \[known: (.*)\]$", line)
        found += 1
        if not known or set(known.group(1).split(", ")) != set(keys):
            problems.append("keys: the schema has %s, the decoder says %s" % (keys, line))
    print("keys: %d objects, %d differ" % (found, len(problems)))
    return problems


def check_corpus(validator, decoder):
    problems = []
    counts = {}
    for directory, name, data in read_corpus():
        counts[directory] = counts.get(directory, 0) + 1
        ours, why = decoder.verdict(data)
        theirs, theirs_why = schema_verdict(validator, data)
        if theirs != (directory != "bad"):
            problems.append("%s/%s: the schema says %s" % (directory, name, theirs_why))
        if ours != (directory != "bad" and name not in CODE_ONLY):
            problems.append("%s/%s: the decoder says %s" % (directory, name, why))
    print("corpus: %s files, decoder and schema agree on all but %d"
          % (" + ".join("%d %s" % (n, d) for d, n in counts.items()), len(problems)))
    return problems


def values_by_key(trees):
    """Every value of the corpus under the name of its key: what a swap can choose from."""
    found = {}

    def walk(key, node):
        found.setdefault(key, []).append(node)
        if isinstance(node, dict):
            for k, v in node.items():
                walk(k, v)
        elif isinstance(node, list):
            for v in node:
                walk(key + "[]", v)
    for tree in trees:
        walk("", tree)
    return found


ALPHABET = "0123456789aZ./:-+_=, \n\t%~BKMGTimsdh\u00e9\u2028\U0001f30d\x7f"


def change_text(rng, text):
    at = rng.randint(0, len(text))
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at] + rng.choice(ALPHABET) + text[at:]
    if kind == 1:
        return text[:at] + text[at + 1:]
    if kind == 2:
        return text[:at] + rng.choice(ALPHABET) + text[at + 1:]
    return text[:at] + text[at:] * rng.randint(1, 3)


def change_number(rng, number):
    return rng.choice([number + 1, number - 1, -number, number * 10, number + 0.5, float(number),
                       str(number), 0, 1])


def change(rng, key, node, pool):
    roll = rng.random()
    if roll < 0.35:
        return rng.choice(pool.get(key, [node]))
    if roll < 0.42:
        return rng.choice(pool[rng.choice(list(pool))])
    if isinstance(node, bool) or node is None:
        return rng.choice([True, False, None, 0, ""])
    if isinstance(node, str):
        return change_text(rng, node)
    if isinstance(node, (int, float)):
        return change_number(rng, node)
    if isinstance(node, list):
        return (node + rng.choices(pool.get(key + "[]", [0]), k=rng.randint(1, 3))
                if rng.random() < 0.6 else node[1:])
    result = dict(node)
    if result and rng.random() < 0.5:
        del result[rng.choice(list(result))]
    elif result:
        old = rng.choice(list(result))
        result[change_text(rng, old)] = result.pop(old)
    return result


def mutate(rng, tree, pool):
    """Changes one place, found by a random walk down."""
    def walk(key, node):
        if isinstance(node, dict) and node and rng.random() < 0.9:
            chosen = rng.choice(list(node))
            return {k: walk(k, v) if k == chosen else v for k, v in node.items()}
        if isinstance(node, list) and node and rng.random() < 0.85:
            chosen = rng.randrange(len(node))
            return [walk(key + "[]", v) if i == chosen else v for i, v in enumerate(node)]
        return change(rng, key, node, pool)
    return walk("", tree)


def code_only(tree):
    """What the decoder alone sees: a range of CPUs, nodes or ports from high to low, or of ports that is not
    as long on both sides."""
    for key in ("cpus", "mems"):
        try:
            text = tree["resources"]["cpu"][key]
            if any(int(a) > int(b) for a, b in re.findall(r"([0-9]+)-([0-9]+)", text)):
                return True
        except (KeyError, TypeError):
            pass
    try:
        texts = [t for t in tree["network"]["ports"] if isinstance(t, str)]
    except (KeyError, TypeError):
        return False
    found = re.findall(r"([0-9]+)-([0-9]+):([0-9]+)-([0-9]+)(?:/|$)", "\n".join(texts), re.M)
    return any(int(b) < int(a) or int(b) - int(a) != int(d) - int(c) for a, b, c, d in found)


def check_fuzz(validator, decoder, rounds, seed):
    rng = random.Random(seed)
    trees = []
    for _, _, data in read_corpus():
        if len(data) < 20000:
            try:
                trees.append(load(data))
            except ValueError:
                pass
    pool = values_by_key(trees)
    everything = [t for t in trees if isinstance(t, dict) and len(t) > 10]
    problems = []
    accepted = 0
    for i in range(rounds):
        tree = rng.choice(everything if i % 4 == 0 else trees)
        for _ in range(rng.randint(1, 3)):
            tree = mutate(rng, tree, pool)
        data = json.dumps(tree, ensure_ascii=rng.random() < 0.5).encode()
        ours, why = decoder.verdict(data)
        theirs, theirs_why = schema_verdict(validator, data)
        accepted += ours
        if ours != theirs and not code_only(tree):
            problems.append("decoder: %s; schema: %s; %s" % (why, theirs_why, data[:600]))
    print("fuzz: %d documents (seed %d), %d accepted, %d disagreements"
          % (rounds, seed, accepted, len(problems)))
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--fuzz", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    Draft202012Validator.check_schema(schema)
    validator = Validator(schema)
    decoder = Decoder(args.program)
    problems = list(schema_problems(schema, "schema", schema))
    print("schema: %d problems" % len(problems))
    problems += check_keys(schema, decoder)
    problems += check_corpus(validator, decoder)
    if args.fuzz:
        problems += check_fuzz(validator, decoder, args.fuzz, args.seed)
    for problem in problems[:40]:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
