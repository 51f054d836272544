#!/usr/bin/env python3
"""Holds the #includes of every source of ours to the table in layers.txt.

    include_table.py ROOT [TABLE]     exit 0: the tree keeps to it; 1: each offence on a line of its own

What is an offence: an include that its layer's row does not allow; a foreign header where no row allows it, or that no
row knows; an include of ours that is not written from the repository's root or does not exist; a folder with sources
and no row; a circle, between layers in the table or between files.
"""
import fnmatch
import pathlib
import re
import sys

SUFFIXES = {".h", ".hpp", ".cc", ".cpp", ".c"}
SKIPPED = {"build", "run", ".git", ".cache"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
# The C library's and the kernel's headers; a C++ standard header has neither dot nor slash.
SYSTEM = ["sys/*", "netinet/*", "arpa/*", "linux/*", "net/*"] + [name + ".h" for name in (
    "assert byteswap dirent dlfcn endian errno fcntl fts getopt grp inttypes limits malloc math netdb poll pthread pwd "
    "sched signal spawn stdarg stdbool stddef stdint stdio stdlib string strings syslog termios time ucontext unistd "
    "utime wait").split()]


class Table:
    def __init__(self, text):
        self.folders, self.allowed, self.foreign = {}, {}, []
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            kind, rest = line.split(None, 1)
            parts = [part.split() for part in rest.split("|")]
            if kind == "layer" and len(parts) == 3 and len(parts[0]) == 1:
                name = parts[0][0]
                self.allowed[name] = parts[2]
                for folder in parts[1]:
                    if self.folders.setdefault(folder, name) != name:
                        raise ValueError(f"line {number}: {folder} is in two layers")
            elif kind == "foreign" and len(parts) == 2:
                self.foreign += [(pattern, parts[1]) for pattern in parts[0]]
            else:
                raise ValueError(f"line {number}: neither a layer nor a foreign row")
        for name, targets in self.allowed.items():
            for target in targets:
                if target != "*" and target not in self.allowed:
                    raise ValueError(f"layer {name} may include {target}, which is no layer")

    def layer_of(self, folder):
        """The layer of a folder (a string), or None. An exact row comes before a pattern."""
        if folder in self.folders:
            return self.folders[folder]
        return next((layer for pattern, layer in self.folders.items()
                     if "*" in pattern and fnmatch.fnmatchcase(folder, pattern)), None)


def find_circle(graph):
    """One circle of a directed graph (name -> names) as a list of names, or None."""
    state = {}
    for start in sorted(graph):
        if start in state:
            continue
        state[start] = "open"
        stack = [(start, iter(graph[start]))]
        while stack:
            node, following = stack[-1]
            for name in following:
                if state.get(name) == "open":
                    path = [entry for entry, _ in stack]
                    return path[path.index(name):] + [name]
                if name not in state and name in graph:
                    state[name] = "open"
                    stack.append((name, iter(graph[name])))
                    break
            else:
                state[node] = "done"
                stack.pop()
    return None


def sources(root):
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.suffix in SUFFIXES and relative.parts[0] not in SKIPPED and path.is_file():
            yield relative


def is_standard(header):
    return not any(c in header for c in "./") or any(fnmatch.fnmatchcase(header, pattern) for pattern in SYSTEM)


def matches(place, relative):
    """`place` is a folder (exactly that one), a file, or a pattern with a star."""
    return place in (str(relative), str(relative.parent)) or ("*" in place and fnmatch.fnmatchcase(str(relative), place))


def check_foreign(table, relative, header):
    rows = [places for pattern, places in table.foreign if fnmatch.fnmatchcase(header, pattern)]
    if not rows:
        return f"{relative}: <{header}> is a foreign header without a row"
    if not any(matches(place, relative) for places in rows for place in places):
        return f"{relative}: <{header}> is not for this place"
    return None


def exists(root, header):
    # What protoc generates stands for the .proto that it comes from.
    return (root / header).is_file() or (root / re.sub(r"\.pb\.h$", ".proto", header)).is_file()


def check_own(root, table, relative, layer, header):
    if not exists(root, header):
        return f'{relative}: "{header}" is no file of ours as seen from the root'
    target = table.layer_of(str(pathlib.PurePosixPath(header).parent))
    if target is None or target == layer or target in table.allowed[layer]:
        return None  # a folder without a row has its own complaint
    if "*" in table.allowed[layer]:
        return None
    return f'{relative}: "{header}": layer {layer} may not include layer {target}'


def check(root, table):
    offences, files = [], {}
    circle = find_circle({name: [t for t in targets if t != "*"] for name, targets in table.allowed.items()})
    if circle:
        offences.append("the table has a circle: " + " -> ".join(circle))
    for relative in sources(root):
        layer = table.layer_of(str(relative.parent))
        if layer is None:
            offences.append(f"{relative}: the folder {relative.parent} has no row in the table")
            continue
        text = (root / relative).read_text(encoding="utf-8", errors="replace")
        own = []
        for quoted, angled in INCLUDE.findall(text):
            if quoted:
                offence = check_own(root, table, relative, layer, quoted)
                own.append(quoted)
            else:
                offence = None if is_standard(angled) else check_foreign(table, relative, angled)
            if offence:
                offences.append(offence)
        files[str(relative)] = own
    circle = find_circle(files)
    if circle:
        offences.append("files include each other in a circle: " + " -> ".join(circle))
    return offences, len(files)


def main(arguments):
    root = pathlib.Path(arguments[0])
    table_file = pathlib.Path(arguments[1]) if len(arguments) > 1 else pathlib.Path(__file__).with_name("layers.txt")
    offences, count = check(root, Table(table_file.read_text(encoding="utf-8")))
    for offence in offences:
        print(offence)
    if count == 0:
        print(f"no sources below {root}")
        return 1
    print(f"{count} sources, {len(offences)} offences")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
