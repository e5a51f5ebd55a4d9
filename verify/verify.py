#!/usr/bin/env python3
"""Checks an obhut data folder, export or proof without obhut and without its private keys.

    python3 verify.py PATH [--log-key FILE] [--witness-key FILE] [--opened FOLDER] [--dump FILE]

PATH is one of these; keys/ is not needed, and nothing is written:
- a data folder that no program uses meanwhile, or a copy or backup of one: with SQLite, or with the
  rows of PostgreSQL as --dump (`pg_restore -f FILE BACKUP/database.dump`, or `pg_dump --format=plain`);
- the address of a log (http://…/log, where a server has its listener for operators): the log alone;
- an export (`obhut vault export`), with --opened also what its README says to decrypt;
- a proof of one entry (.tlog-proof), or a folder of them (`obhut vault prove`).

Needs Python 3.9 and PyPI's `cryptography`. Exit status 0 if everything agrees, 1 if something doesn't
(one line for each fault), 2 if it could not be checked.

What it compares in a data folder:
- log/checkpoint with its signature (C2SP signed-note and tlog-checkpoint, Ed25519);
- the log's entries and tiles with the signed root (RFC 6962, C2SP tlog-tiles);
- each sealed exhibit and record with its entry, each list's file with the row about it;
- each covered row of the database with the newest commitment to it, and each commitment with its
  entry; the log with the head that the database remembers, and with those that witnesses have
  cosigned (C2SP tlog-cosignature).

In an export: the log's signature over it; each file with the manifests (BagIt, RFC 8493); each proof
with the signed root (C2SP tlog-proof); that each exhibit has the proof of its intake and each record that of its entry; with
--opened each record with the entry that commits to it, and each exhibit with its record; with
--witness-key the witness's cosignature under each proof. That all entries about an exhibit are there,
no export can prove. The stamp of a time authority is for `openssl ts -verify`; what it stamps is
compared with the proofs.

Without --log-key the public key is read from PATH itself: then damage is found, and a forger
who replaced log and key together is not. Get the key from `obhut verify --json` when the
installation is trusted, and keep it elsewhere.

What it can't see: what a sealed file contains, and whether a row was true when it was written. A row
that is noted and not in the log yet (`touched`, or a leaf without a place) counts as a fault, because
anything could hide behind it; `obhut verify` with the keys distinguishes them. Leaves carry a code of
a key that this script hasn't: only `obhut verify` sees that one was relabelled or swapped.
"""

import argparse
import base64
import hashlib
import http.client
import json
import re
import sqlite3
import sys
import tempfile
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256  # entries or hashes of a full tile (C2SP tlog-tiles)
UNPROVEN = "isn't in the log yet; only `obhut verify` with the keys shows whether obhut wrote it"
LOG_ENTRIES_MAX = 10_000_000  # of a log that is fetched
PAYLOAD = r"data/(exhibits/[0-9a-f]{32}\.age|records/[0-9]+\.json\.age|provenance\.jsonld\.age)"
TAGS = r"bagit\.txt|bag-info\.txt|manifest-sha256\.txt|README\.txt|LIESMICH\.txt|log-key|witness-keys|timestamp\.(checkpoint|tsr)|proofs/[0-9]+\.tlog-proof"
MANIFESTS = ("manifest-sha256.txt", "tagmanifest-sha256.txt")  # BagIt, RFC 8493
faults = []
witness_keys = []
missing = set()  # names of witnesses that haven't cosigned the note that was read last
cosigned = set()  # names and times of the cosignatures that were compared, and whether the key was given


class Unreadable(Exception):
    """The database can't be read where it is: nothing is said about it."""


def fault(place, what):
    faults.append(f"{place}: {what}")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def decoded(text):
    """Base64 in its one right spelling; raises ValueError."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("isn't base64 as it is written")
    return raw


def read(path):
    """The bytes of a file; None if there is none. What a link names isn't this folder's."""
    try:
        return None if path.is_symlink() or not path.is_file() else path.read_bytes()
    except (OSError, ValueError):
        return None


def digest_of(path):
    """SHA-256 of a file of any length, in hex; None as in `read`."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        out = hashlib.sha256()
        with path.open("rb") as file:
            for piece in iter(lambda: file.read(1 << 20), b""):
                out.update(piece)
        return out.hexdigest()
    except (OSError, ValueError):
        return None


def spelt(seconds):
    """A time in words; one beyond the calendar as it is."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    except (OSError, OverflowError, ValueError):
        return f"{seconds} seconds after 1970"


def number(text):
    """A number as it is written; raises ValueError."""
    if not text.isascii() or str(int(text)) != text:
        raise ValueError("has a number that isn't written as one")
    return int(text)


# The log


def public_key(text, kind=b"\x01"):
    """Name, key id and key of a signed-note verifier key: name+id+base64(kind, 32 bytes). The kind is 1 of
    a log and 4 of a witness."""
    name, key_id, encoded = text.strip().split("+", 2)
    raw = decoded(encoded)
    if raw[:1] != kind or len(raw) != 33:
        raise ValueError("not an Ed25519 key")
    own_id = sha256(name.encode(), b"\n", raw)[:4]
    if own_id.hex() != key_id:
        raise ValueError("its id isn't its own")
    return name, own_id, Ed25519PublicKey.from_public_bytes(raw[1:])


def signature(line, key):
    """The bytes of a signature line, if it is of this key; None otherwise."""
    dash, signer, encoded = line.split(" ")
    raw = decoded(encoded)
    return raw[4:] if (dash, signer, raw[:4]) == ("\u2014", *key[:2]) else None


def signed_text(note, key, witnesses=None):
    """The text of a note with a valid signature by the key; raises ValueError. Cosignatures may follow where
    `witnesses` is given: those of its keys must be valid, others are noted; `missing` then names the
    witnesses that haven't cosigned."""
    text, _, signatures = note.decode().partition("\n\n")
    first, *others = signatures.split("\n")
    if others[-1:] != [""] or (len(others) > 1 and witnesses is None):
        raise ValueError("it hasn't exactly one signature")
    named = set()
    own = signature(first, key)
    if own is None:
        raise ValueError("it isn't signed with the log's key")
    try:
        key[2].verify(own, (text + "\n").encode())
        for line in others[:-1]:
            for witness in (w for w in witnesses if signature(line, w) is not None):
                raw = signature(line, witness)
                time = int.from_bytes(raw[:8], "big")
                witness[2].verify(raw[8:], f"cosignature/v1\ntime {time}\n{text}\n".encode())
                given = any(witness[:2] == w[:2] for w in witness_keys)
                cosigned.add((witness[0], time, given))
                named.add(witness[0])
                break
            else:
                print(f"note: a cosignature of {line.split(' ')[1]} isn't compared (--witness-key)", file=sys.stderr)
    except InvalidSignature:
        raise ValueError("its signature isn't valid") from None
    missing.clear()
    missing.update(w[0] for w in witnesses or () if w[0] not in named)
    return text


def checkpoint(note, key, witnesses=None):
    """Size and root of a checkpoint with a valid signature; raises ValueError."""
    origin, size, root = signed_text(note, key, witnesses).split("\n")
    if origin != key[0]:
        raise ValueError("it is another log's")
    return number(size), decoded(root)


def tile_path(log, level, index, width):
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    name = "/".join([f"x{g}" for g in groups[:-1]] + groups[-1:])
    partial = "" if width == WIDTH else f".p/{width}"
    return log / "tile" / level / (name + partial)


def tiles(count):
    for index in range(0, count, WIDTH):
        yield index // WIDTH, min(WIDTH, count - index)


def entries_of(log, size):
    """The log's entries; raises ValueError naming the bundle at fault."""
    entries = []
    for index, width in tiles(size):
        path = tile_path(log, "entries", index, width)
        bundle = read(path)
        if bundle is None:
            raise ValueError(f"{path.name} is missing")
        at = 0
        for _ in range(width):
            length = int.from_bytes(bundle[at : at + 2], "big")
            if at + 2 + length > len(bundle):
                raise ValueError(f"{path.name} is cut short")
            entries.append(bundle[at + 2 : at + 2 + length])
            at += 2 + length
        if at != len(bundle):
            raise ValueError(f"{path.name} is longer than its entries")
    return entries


def root_of(hashes):
    """RFC 6962, section 2.1, by merging complete subtrees."""
    if not hashes:
        return sha256()
    stack = []
    for n, leaf in enumerate(hashes):
        stack.append(leaf)
        while n & 1:
            right = stack.pop()
            stack.append(sha256(b"\x01", stack.pop(), right))
            n >>= 1
    while len(stack) > 1:
        right = stack.pop()
        stack.append(sha256(b"\x01", stack.pop(), right))
    return stack[0]


def compare_tiles(log, hashes):
    level = 0
    while hashes:
        for index, width in tiles(len(hashes)):
            path = tile_path(log, str(level), index, width)
            own = b"".join(hashes[index * WIDTH : index * WIDTH + width])
            stored = read(path)
            if stored != own:
                what = "is missing" if stored is None else "differs from the entries"
                fault(path.relative_to(log.parent), what)
        full = len(hashes) // WIDTH * WIDTH
        hashes = [root_of(hashes[i : i + WIDTH]) for i in range(0, full, WIDTH)]
        level += 1


# What the log, and writers that may have been interrupted, call their files.
OF_LOG = re.compile(r"log/(checkpoint|key|tile/(entries|[0-7])/(x\d{3}/)*\d{3}(\.p/\d{1,3})?)(#\d+)?")
OF_STORE = re.compile(r"(exhibits/[0-9a-f]{32}\.(age|sealed)|records/[0-9a-f]{32}\.age)(#\d+)?")
OF_LIST = re.compile(r"list-[0-9a-f]+/[0-9a-f]{64}\.age(.*\.partial)?")


def compare_names(folder, named, left):
    """A file called as one that an interrupted writer left is only noted."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name in named or OF_LOG.fullmatch(name):
            continue
        if left.fullmatch(name):
            print(f"note: nothing names {name}", file=sys.stderr)
        else:
            fault(name, "isn't a file of obhut's")


def exhibit_of(event):
    return f"exhibits/{event['exhibit']}.{'age' if event['v'] < 3 else 'sealed'}"


def record_of(event):
    return f"records/{event['record']}.age"


def compare_files(vault, events):
    erased = {e["exhibit"] for e in events if e["event"] == "erase"}
    # A `rewrap` gives an exhibit another record, and one of version 2 another sealed form; what it
    # replaced must be gone once the exhibit is erased.
    now, gone = {}, []
    for event in events:
        if event["event"] == "put":
            now.setdefault(event["exhibit"], dict(event))
        elif event["event"] == "rewrap":
            known = now.get(event["exhibit"])
            if known is None or known["commitment"] != event["commitment"]:
                fault(f"exhibit {event['exhibit']}", "a rewrap commits to another record than its put")
                continue
            if event["exhibit"] in erased:
                gone += [record_of(known), exhibit_of(known)]
            known.update({k: event[k] for k in event if k not in ("event", "time")})
    for exhibit in erased & now.keys():
        gone += [record_of(now[exhibit]), exhibit_of(now[exhibit])]
    for name in sorted(set(gone)):
        if (vault / name).exists():
            fault(name, "is recorded as erased and still exists")
    there = [e for e in now.values() if e["exhibit"] not in erased]
    accesses = [e for e in events if e["event"] in ("read", "erase")]
    named = {exhibit_of(e) for e in there} | {record_of(e) for e in there + accesses} | set(gone)
    compare_names(vault, named, OF_STORE)

    def compare(name, expected):
        stored = digest_of(vault / name)
        if stored is None:
            fault(name, "is missing")
        elif stored != expected:
            fault(name, "its bytes are not those that were logged")

    for event in accesses + there:
        # Records of entries of version 1 have no digest of their sealed bytes.
        if "record_sha256" in event:
            compare(record_of(event), event["record_sha256"])
        elif not (vault / record_of(event)).exists():
            fault(record_of(event), "is missing")
        if event["event"] == "put":
            compare(exhibit_of(event), event["sealed_sha256"])


# The database


def commitment(salt, table, key, row):
    """SHA-256 of the salt, then of each part with its length before it (8 bytes, big-endian)."""
    out = hashlib.sha256(bytes.fromhex(salt))

    def part(data):
        out.update(len(data).to_bytes(8, "big") + data)

    part(table.encode())
    part(key.encode())
    if row is None:
        part(b"-")
    else:
        for name in sorted(row):
            value = row[name]
            part(name.encode())
            if value is None:
                part(b"n")
            elif isinstance(value, int):
                part(b"i" + str(value).encode())
            elif isinstance(value, str):
                part(b"t" + value.encode())
            elif isinstance(value, float):
                part(b"?")
            else:
                part(b"b" + value)
    return out.hexdigest()


def unescaped(field):
    """A field as PostgreSQL's COPY writes it; None for NULL."""
    if field == "\\N":
        return None
    named = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
    return re.sub(r"\\(.)", lambda m: named.get(m[1], m[1]), field, flags=re.DOTALL)


def from_dump(path):
    """The rows of a plain dump of PostgreSQL, in a database in memory; raises ValueError."""
    db = sqlite3.connect(":memory:")
    tables, keys, rows, altered = {}, {}, {}, None
    name = re.compile(r'(?:"[^"]+"|\w+)\.(?:"([^"]+)"|(\w+))')

    def bare(text):
        return text.strip().strip('"')

    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            if line.startswith("CREATE TABLE "):
                found = name.search(line)
                columns = tables.setdefault(found[1] or found[2], {})
                for line in iter(lambda: next(file), ");\n"):
                    column, _, kind = line.strip().rstrip(",").partition(" ")
                    columns[bare(column)] = kind.split(" ")[0]
            elif line.startswith("ALTER TABLE "):
                found = name.search(line)
                altered = found and (found[1] or found[2])
            elif "PRIMARY KEY (" in line:
                keys[altered] = [bare(k) for k in line.split("(")[1].split(")")[0].split(",")]
            elif line.startswith("COPY ") and line.endswith(" FROM stdin;\n"):
                found = name.search(line)
                table = found[1] or found[2]
                columns = [bare(c) for c in line.split("(", 1)[1].rsplit(")", 1)[0].split(",")]
                kinds = [tables[table][c] for c in columns]
                for line in iter(lambda: next(file), "\\.\n"):
                    fields = [unescaped(f) for f in line[:-1].split("\t")]
                    rows.setdefault(table, []).append([value(f, k) for f, k in zip(fields, kinds)])
                keys.setdefault(table, [])
                tables[table] = {c: tables[table][c] for c in columns}
    for table, columns in tables.items():
        key = ", ".join(f'"{k}"' for k in keys.get(table, []))
        parts = [f'"{c}"' for c in columns] + ([f"PRIMARY KEY ({key})"] if key else [])
        db.execute(f'CREATE TABLE "{table}" ({", ".join(parts)})')
        places = ", ".join("?" * len(columns))
        db.executemany(f'INSERT INTO "{table}" VALUES ({places})', rows.get(table, []))
    if "leaves" not in tables:
        raise ValueError(f"{path} isn't a plain dump of obhut's database")
    return db


def value(field, kind):
    """A field of a dump as its column's kind."""
    if field is None:
        return None
    if kind in ("bigint", "integer", "smallint"):
        return int(field)
    if kind in ("double", "real"):
        return float(field)
    return bytes.fromhex(field[2:]) if kind == "bytea" else field


def from_file(path):
    """The database of a data folder."""
    # If no program has it open, SQLite needs no other files, and creates none.
    in_use = any(path.with_name(path.name + end).exists() for end in ("-wal", "-shm"))
    mode = "mode=ro" if in_use else "mode=ro&immutable=1"
    db = sqlite3.connect(f"file:{path}?{mode}", uri=True)
    try:
        db.execute("BEGIN")  # one state throughout
        db.execute("SELECT COUNT(*) FROM leaves").fetchone()
    except sqlite3.OperationalError as e:
        if "no such" in str(e):
            raise
        raise Unreadable(f"{path}: {e}; copy the folder to where it can be written") from e
    return db


def compare_database(db, folder, key, hashes, logged):
    """`folder`: the data folder. `logged`: index and commitment of each entry about a row."""
    db.row_factory = sqlite3.Row
    head = db.execute("SELECT size, root FROM log_heads WHERE name = 'vault'").fetchone()
    known = 0 if head is None else head["size"]
    if head is None:
        fault("log_heads", "the database remembers no head of the log")
    elif known > len(hashes):
        fault("log/checkpoint", f"it has {len(hashes)} entries and had {known}")
    elif root_of(hashes[:known]).hex() != head["root"]:
        fault("log/checkpoint", f"its first {known} entries are not those it had")
    compare_cosigned(db, key, hashes)
    waiting = {(r["tbl"], r["row_key"]) for r in db.execute("SELECT * FROM touched")}
    newest = {}
    left = dict(logged)
    for leaf in db.execute("SELECT * FROM leaves ORDER BY seq"):
        at = (leaf["tbl"], leaf["row_key"])
        newest[at] = leaf
        index = leaf["log_index"]
        if index is None:
            fault(name_of(at), UNPROVEN)
        elif left.pop(index, None) != leaf["commitment"]:
            fault(name_of(at), "its leaf isn't the one in the log")
    compared = 0
    for (table,) in db.execute("SELECT tbl FROM covered ORDER BY tbl").fetchall():
        columns = db.execute(f'PRAGMA table_info("{table}")').fetchall()
        keys = [c["name"] for c in sorted(columns, key=lambda c: c["pk"]) if c["pk"] > 0]
        for row in db.execute(f'SELECT * FROM "{table}"'):
            compared += 1
            at = (table, "\x1f".join(str(row[k]) for k in keys))
            leaf = newest.pop(at, None)
            if at in waiting:
                fault(name_of(at), UNPROVEN)
                continue
            if leaf is None:
                fault(name_of(at), "was added; the log has no entry about it")
            elif leaf["gone"]:
                fault(name_of(at), "is in the log as deleted, and is there")
            elif commitment(leaf["salt"], *at, dict(row)) != leaf["commitment"]:
                fault(name_of(at), "was changed; it isn't what the log says")
    for at, leaf in newest.items():
        is_gone = leaf["gone"] and commitment(leaf["salt"], *at, None) == leaf["commitment"]
        if at in waiting:
            fault(name_of(at), UNPROVEN)
        elif not is_gone:
            fault(name_of(at), "is missing; the log has no deletion of it")
    # Two people have accepted that these have no leaf; the rows that say so have one.
    for (index,) in db.execute("SELECT log_index FROM accepted_entries"):
        left.pop(index, None)
    unplaced = db.execute("SELECT commitment FROM leaves WHERE log_index IS NULL")
    unplaced = {row[0] for row in unplaced}
    for index in sorted(i for i in left if left[i] not in unplaced):
        fault(f"log entry {index}", "is about a row that the database has no leaf of")
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')"):
        fault(name, "isn't obhut's; it may change rows unnoticed")
    for table, key, what in db.execute("SELECT tbl, row_key, what FROM row_faults"):
        fault(name_of((table, key)), what)
    compare_lists(folder / "lists", db)
    return compared, len(waiting)


def compare_cosigned(db, key, hashes):
    """What witnesses have cosigned, with the log; their keys are in covered rows."""
    if not db.execute("SELECT 1 FROM covered WHERE tbl = 'witnesses'").fetchone():
        return  # a folder from before there were witnesses
    trusted = {w[:2] for w in witness_keys}
    notes = dict(db.execute("SELECT witness, note FROM cosigned_heads").fetchall())
    for name, witness, since in db.execute("SELECT name, key, cosigned_since FROM witnesses"):
        note = notes.pop(name, None)
        if note is None and since is None:
            continue
        try:
            if note is None:
                raise ValueError("what it cosigned isn't on record any more")
            size, root = checkpoint(note.encode(), key, [public_key(witness, b"\x04")])
            if note.count("\n") != 6 or missing:
                raise ValueError("what it cosigned isn't signed by the log and by it alone")
            trusted.discard(public_key(witness, b"\x04")[:2])
            if size > len(hashes):
                raise ValueError(f"the log has {len(hashes)} entries and had {size}")
            if root_of(hashes[:size]) != root:
                raise ValueError(f"the log's first {size} entries are not those that were cosigned")
        except (ValueError, AttributeError) as e:
            fault(f"witness {name}", e)
    for name, _ in sorted(trusted):
        fault(f"witness {name}", "hasn't cosigned this log with the key given")
    for name in notes:
        fault(f"witness {name}", "isn't a witness, and something is on record as cosigned by it")


def compare_lists(folder, db):
    """The rows about the files are covered rows themselves."""
    for list_, version, expected in db.execute("SELECT list, version, sealed_sha256 FROM list_files"):
        stored = read(folder / list_ / f"{version}.age")
        if stored is None:
            fault(f"lists/{list_}/{version}.age", "is missing")
        elif hashlib.sha256(stored).hexdigest() != expected:
            fault(f"lists/{list_}/{version}.age", "its bytes are not those that were written")
    named = db.execute("SELECT list, version FROM list_versions")
    compare_names(folder, {f"{list_}/{version}.age" for list_, version in named}, OF_LIST)


def name_of(at):
    return f"{at[0]} {at[1]}".replace("\x1f", " ")


# Exports and proofs


heads = set()  # sizes and roots that proofs lead to


def proof(path, key):
    """Index and event of a proof that holds (RFC 9162, section 2.1.3.2); raises ValueError."""
    head, _, note = (read(path) or b"").decode().partition("\n\n")
    first, extra, place, *siblings = head.split("\n")
    if first != "c2sp.org/tlog-proof@v1" or extra[:6] != "extra " or place[:6] != "index ":
        raise ValueError("isn't a proof of an entry")
    entry = decoded(extra[6:])
    index = number(place[6:])
    size, root = checkpoint(note.encode(), key, witness_keys)
    heads.add((size, root))
    n, last, own = index, size - 1, sha256(b"\x00", entry)
    if not 0 <= n <= last:
        raise ValueError("names no entry of its log")
    for sibling in siblings:
        sibling = decoded(sibling)
        if last == 0:
            raise ValueError("is longer than its tree is high")
        if n & 1 or n == last:
            own = sha256(b"\x01", sibling, own)
            while n and not n & 1:
                n, last = n >> 1, last >> 1
        else:
            own = sha256(b"\x01", own, sibling)
        n, last = n >> 1, last >> 1
    if last or own != root:
        raise ValueError("doesn't lead to the signed root")
    return index, json.loads(entry)


def proofs(paths, key):
    """The events that were proven, by index."""
    events = {}
    if not paths:
        fault("proofs", "there are none")
    for path in paths:
        try:
            index, event = proof(path, key)
            if path.stem != str(index):
                raise ValueError(f"is called {path.stem} and is of entry {index}")
            if not isinstance(event, dict):
                raise ValueError("is of no event")
            events[index] = event
            for name in sorted(missing):
                fault(path.name, f"{name} hasn't cosigned it with the key given")
        except (ValueError, KeyError, OSError) as e:
            fault(path.name, e)
    return events


def compare_manifest(bag, name, belongs):
    """Compares the files of a manifest; returns their paths."""
    listed = set()
    manifest = read(bag / name)
    if manifest is None:
        fault(name, "is missing")
        return listed
    for line in manifest.decode().splitlines():
        expected, _, path = line.partition("  ")
        if path in listed or not re.fullmatch(belongs, path):
            fault(name, f"has a line that doesn't belong to an export: {line!r}")
            continue
        listed.add(path)
        stored = read(bag / path)
        if stored is None:
            fault(path, "is missing")
        elif hashlib.sha256(stored).hexdigest() != expected.lower():
            fault(path, "its bytes are not those of the manifest")
    return listed


def compare_signature(bag, key):
    manifest, note = read(bag / MANIFESTS[1]), read(bag / "export.sig")
    if note is None:
        fault("export.sig", "is missing")
        return
    try:
        kind, _, digest = signed_text(note, key).split("\n")
        if kind != "obhut export" or digest != hashlib.sha256(manifest or b"").hexdigest():
            raise ValueError("is of another export, or this one was changed")
    except ValueError as e:
        fault("export.sig", e)


def compare_export(bag, key, opened):
    """Compares an export; returns how many proofs and exhibits it has."""
    compare_signature(bag, key)
    listed = compare_manifest(bag, MANIFESTS[0], PAYLOAD) | compare_manifest(bag, MANIFESTS[1], TAGS)
    for path in sorted(bag.rglob("*")):
        name = path.relative_to(bag).as_posix()
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder and name not in listed and name not in (MANIFESTS[1], "export.sig"):
            fault(name, "is in no manifest")
    events = proofs(sorted((bag / "proofs").glob("*.tlog-proof")), key)
    puts = {e.get("exhibit"): n for n, e in events.items() if e.get("event") == "put"}
    exhibits = sorted(p.stem for p in (bag / "data" / "exhibits").glob("*.age"))
    for exhibit in exhibits:
        if exhibit not in puts:
            fault(f"data/exhibits/{exhibit}.age", "has no proof of its intake")
    for index, event in events.items():
        if event.get("exhibit") not in exhibits:
            fault(f"proofs/{index}.tlog-proof", "is about no exhibit that is here")
    stamped = read(bag / "timestamp.checkpoint")
    if stamped is not None or read(bag / "timestamp.tsr") is not None:
        try:
            if heads - {checkpoint(stamped or b"", key)}:
                raise ValueError("isn't the head that the proofs lead to")
        except ValueError as e:
            fault("timestamp.checkpoint", e)
    records = {p.name.split(".")[0] for p in (bag / "data" / "records").glob("*.json.age")}
    for index in sorted(events):
        if str(index) not in records:
            fault(f"data/records/{index}.json.age", "is missing")
    for index in sorted(records - {str(i) for i in events}):
        fault(f"data/records/{index}.json.age", "has no proof of its entry")
    # Written with witnesses, all proofs lead to the one head that was cosigned.
    if len(heads) > 1 and (witness_keys or read(bag / "witness-keys") is not None):
        fault("proofs", "lead to more than one head of the log")
    if opened is not None:
        compare_opened(opened, events, exhibits, puts)
    return len(events), len(exhibits)


def compare_opened(opened, events, exhibits, puts):
    expected = {f"exhibits/{e}" for e in exhibits} | {f"records/{n}.json" for n in events}
    for path in sorted(opened.rglob("*")):
        name = path.relative_to(opened).as_posix()
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder and name not in expected | {"provenance.jsonld"}:
            fault(f"opened {name}", "doesn't belong to the export")
    of_puts = {}
    for index, event in events.items():
        record = read(opened / "records" / f"{index}.json")
        if record is None:
            fault(f"opened records/{index}.json", "is missing")
        elif hashlib.sha256(record).hexdigest() != event["commitment"]:
            fault(f"opened records/{index}.json", "isn't the record that its entry commits to")
        else:
            of_puts[index] = json.loads(record)
    for exhibit in exhibits:
        stored = read(opened / "exhibits" / exhibit)
        record = of_puts.get(puts.get(exhibit))
        if stored is None:
            fault(f"opened exhibits/{exhibit}", "is missing")
        elif record is not None and hashlib.sha256(stored).hexdigest() != record["sha256"]:
            fault(f"opened exhibits/{exhibit}", "isn't what was received")


def fetched(address, folder, key_file):
    """Fetches a log from an address into a folder; raises OSError, ValueError and HTTPException."""

    def get(name, most):
        with urllib.request.urlopen(f"{address.rstrip('/')}/{name}", timeout=60) as answer:
            found = answer.read(most + 1)
            length = answer.headers.get("Content-Length")
        if len(found) > most or length not in (None, str(len(found))):
            raise OSError(f"{name} is too long, or was cut off")
        path = folder / "vault" / "log" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found)
        return found

    own = get("key", 1024)
    # What the tree's size leads to is fetched only once the log's key has signed it.
    key = public_key((own if key_file is None else read(key_file) or b"").decode())
    count, _ = checkpoint(get("checkpoint", 1 << 16), key)
    if count > LOG_ENTRIES_MAX:
        raise OSError(f"it has more than {LOG_ENTRIES_MAX} entries")
    log, level = folder / "vault" / "log", 0
    for index, width in tiles(count):
        path = tile_path(log, "entries", index, width)
        get(path.relative_to(log).as_posix(), width * (2 + 0xFFFF))
    while count:
        for index, width in tiles(count):
            path = tile_path(log, str(level), index, width)
            get(path.relative_to(log).as_posix(), width * 32)
        count, level = count // WIDTH, level + 1


def main(arguments):
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("path", metavar="PATH")
    reader.add_argument("--log-key", metavar="FILE", type=Path, dest="key_file")
    reader.add_argument("--witness-key", metavar="FILE", type=Path, dest="witness_file")
    reader.add_argument("--opened", metavar="FOLDER", type=Path)
    reader.add_argument("--dump", metavar="FILE", type=Path)
    given = reader.parse_args(arguments)
    if given.witness_file is not None:
        try:
            lines = (read(given.witness_file) or b"").decode().split("\n")
            witness_keys.extend(public_key(line, b"\x04") for line in lines if line)
        except ValueError:
            witness_keys.clear()
        if not witness_keys:
            print(f"{given.witness_file}: holds no key of a witness", file=sys.stderr)
            return 2
    if witness_keys and re.match(r"https?://", given.path):
        print("--witness-key: a log at an address has no cosignatures with it", file=sys.stderr)
        return 2
    if not re.match(r"https?://", given.path):
        return compared(Path(given.path), given)
    with tempfile.TemporaryDirectory() as folder:
        try:
            fetched(given.path, Path(folder), given.key_file)
        except (OSError, ValueError, http.client.HTTPException) as e:
            print(f"{given.path}: the log can't be fetched: {e}", file=sys.stderr)
            return 2
        return compared(Path(folder), given, is_log_alone=True)


def compared(path, given, is_log_alone=False):
    key_file, opened = given.key_file, given.opened
    if opened is not None and path.resolve() in (opened.resolve(), *opened.resolve().parents):
        print("--opened: name a folder outside of the export", file=sys.stderr)
        return 2
    exports = ("bagit.txt", *MANIFESTS, "export.sig", "data/exhibits")
    try:
        is_export = any((path / name).exists() for name in exports)
        is_proof = path.suffix == ".tlog-proof" or (path / "log-key").exists()
    except OSError as e:
        print(f"{path}: {e.strerror}", file=sys.stderr)
        return 2
    beside = path.parent if path.is_file() else path
    own_key = beside / "log-key" if is_export or is_proof else path / "vault" / "log" / "key"
    own = read(own_key)
    trusted = own if key_file is None else read(key_file)
    if trusted is None:
        print(f"{key_file or own_key}: the log's public key isn't there", file=sys.stderr)
        return 2
    unchecked = False
    try:
        key = public_key(trusted.decode())
    except (ValueError, UnicodeError):
        if key_file is not None:
            print(f"{key_file}: isn't a log's public key", file=sys.stderr)
            return 2
        fault(own_key.name, "isn't a log's public key")
        key = None
    if own is not None and own.strip() != trusted.strip():
        fault("log/key", "isn't the key that was given")
    done = "nothing compared"
    try:
        if key is None:
            pass
        elif is_export:
            count, exhibits = compare_export(path, key, opened)
            done = f"{count} proofs and {exhibits} exhibits compared"
            if opened is None:
                done += "; with --opened, their content is, too"
        elif is_proof:
            paths = [path] if path.is_file() else sorted(path.glob("*.tlog-proof"))
            for other in sorted(path.rglob("*")) if path.is_dir() else ():
                if other not in paths and other.name != "log-key":
                    fault(other.relative_to(path), "is no proof; nothing covers it")
            events = proofs(paths, key)
            for index, event in sorted(events.items()):
                at = spelt(event["time"] / 1e6)
                print(f"entry {index}: {event['event']} {event.get('exhibit', '')} at {at}")
            done = f"{len(events)} proofs compared"
        else:
            done, unchecked = compare_folder(path, key, given.dump, is_log_alone)
    except Exception as e:  # whatever was put there, it isn't what obhut writes
        fault("something", f"can't be read: {type(e).__name__}: {e}")
    for name, time, is_given in sorted(cosigned):
        whose = "" if is_given else " (by the key in the folder; --witness-key takes one from elsewhere)"
        print(f"cosigned by {name} at {spelt(time)}{whose}")
    for line in faults:
        print(line.encode("ascii", "backslashreplace").decode())
    print(done)
    if faults:
        return 1
    if unchecked:
        return 2
    seen = "whole, as far as it is seen without the private keys"
    seen += "" if is_export or is_proof else " (a relabelled leaf isn't)"
    print(seen if key_file else "no damage; whether it was forged can't be said without --log-key")
    return 0


def compare_folder(data, key, dump, is_log_alone):
    """Compares a data folder; returns what was compared, and whether its database wasn't."""
    log = data / "vault" / "log"
    unchecked = False
    size, compared, waiting = 0, 0, 0
    try:
        note = read(log / "checkpoint")
        if note is None:
            raise ValueError("log/checkpoint is missing")
        size, root = checkpoint(note, key)
        entries = entries_of(log, size)
        hashes = [sha256(b"\x00", e) for e in entries]
        if root_of(hashes) != root:
            fault("log/tile/entries", "the entries' root differs from the signed root")
        compare_tiles(log, hashes)
        events = [json.loads(e) for e in entries]
        if not is_log_alone:
            compare_files(data / "vault", events)
        latest = 0
        for number, event in enumerate(events):
            if event["time"] < latest - 600_000_000:  # ten minutes, in microseconds
                print(f"note: entry {number} is dated back", file=sys.stderr)
            latest = max(latest, event["time"])
        logged = [(n, e["commitment"]) for n, e in enumerate(events) if e["event"] == "row"]
        database = data / "obhut.db"
        if dump is not None or database.exists():
            db = from_file(database) if dump is None else from_dump(dump)
            compared, waiting = compare_database(db, data, key, hashes, logged)
        elif is_log_alone:
            return f"{size} entries compared: the log alone, neither exhibits nor rows", False
        elif logged:
            unchecked = True
            print("the database isn't in this folder; its rows are not compared (--dump)", file=sys.stderr)
    except Unreadable as e:
        print(e, file=sys.stderr)
        unchecked = True
    except (ValueError, KeyError, UnicodeError, StopIteration, OSError, sqlite3.Error) as e:
        fault("log", f"can't be read: {e}")
    done = f"{size} entries and {compared} rows compared, {waiting} rows not in the log yet"
    return done, unchecked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
