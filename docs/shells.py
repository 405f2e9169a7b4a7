"""Let a shell compiled to WebAssembly and the same shell of the operating system run the same scripts, and compare.

    python docs/shells.py dash.wasm dash
    python docs/shells.py bash.wasm bash

Each script runs in an empty directory of its own. What it writes and its exit status must be equal; exits with 1 where
they are not. `--only WORD` takes the scripts with that word in their text, `--show` prints what both wrote.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pywasix

_TOOLS = Path(__file__).parent.parent / "tests" / "guests" / "tools.wasm"
_COMMANDS = dict.fromkeys(("cat", "env", "grep", "head", "rev", "seq", "sleep", "sort", "tr", "wc"), _TOOLS)
_PATIENCE = 30  # seconds for one script

# One script each, for every shell of POSIX: divided by lines of "%%".
SCRIPTS = r"""
echo hello world
%%
printf '%s-%d-%x\n' a 42 255
%%
echo one | cat
%%
seq 5 | tr 12345 abcde | rev | sort
%%
(echo b; echo a; echo c) | sort | head -n 2 | cat
%%
echo a | cat | cat | cat | cat | cat | cat | cat
%%
seq 1 20000 | wc -l
%%
seq 1 100000 | head -n 3
%%
false | true; echo $?; true | false; echo $?
%%
(echo in a subshell; exit 3); echo $?
%%
x=1; (x=2; echo $x); echo $x
%%
(cd /; pwd); echo after
%%
( (echo deep) | (cat; echo deeper) ) | cat
%%
x=$(echo substituted); echo "[$x]"
%%
x=$(echo a; echo b); echo "$x"; echo $x
%%
echo "$(echo "$(echo "$(echo nested)")")"
%%
x=`echo old style`; echo $x
%%
x=$(exit 7); echo $?
%%
echo $(seq 1 10 | grep 1 | wc -l)
%%
cat <<END
a here-document with $((6 * 7)) and $(echo a command)
END
%%
cat <<'END'
no $expansion `here`
END
%%
cat <<-END
	tabs are
	taken away
	END
%%
while read line; do echo "<$line>"; done <<END
one
  two
three\
four
END
%%
cat <<A; cat <<B
first
A
second
B
%%
sleep 0.05 & wait; echo done
%%
sleep 0.05 & wait $!; echo $?
%%
(exit 9) & wait $!; echo $?
%%
(sleep 0.05; exit 4) & p=$!; (exit 5) & q=$!; wait $p; echo $?; wait $q; echo $?
%%
for i in 1 2 3 4 5; do (exit $i) & done; wait; echo $?
%%
wait 99999; echo $?
%%
trap 'echo leaving' EXIT; echo body
%%
trap 'echo leaving' EXIT; exit 6
%%
trap 'echo got TERM' TERM; kill -TERM $$; echo after
%%
trap 'echo got USR1; exit 8' USR1; kill -USR1 $$; echo never
%%
trap '' TERM; kill -TERM $$; echo ignored
%%
trap 'echo x' INT; trap - INT; (trap 'echo inner' EXIT; exit 1); echo $?
%%
sleep 5 & kill -KILL $!; wait $! 2>/dev/null; echo $?
%%
echo to a file > file; cat file; cat < file
%%
echo one > file; echo two >> file; cat file
%%
echo error >&2 2>/dev/null; echo out
%%
(echo out; echo err >&2) 2>&1 | sort
%%
(echo out; echo err >&2) > file 2>&1; sort < file
%%
(echo out; echo err >&2) 2> errors; cat errors
%%
{ echo a; echo b; } > file; cat file
%%
echo x > file; echo y 1<> file; cat file
%%
set -C; echo a > file; echo b > file; echo $?; echo c >| file; cat file
%%
cat < missing; echo $?
%%
echo a > /no/such/place; echo $?
%%
for i in a b c; do echo $i; done
%%
for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done
%%
i=0; while [ $i -lt 4 ]; do i=$((i + 1)); echo $i; done
%%
i=3; until [ $i = 0 ]; do echo $i; i=$((i - 1)); done
%%
for i in 1 2; do for j in a b; do echo $i$j; [ $j = a ] && continue 2; done; done
%%
seq 3 | while read n; do echo "number $n"; done
%%
for i in $(seq 3); do echo $i | cat; done | tr 123 xyz
%%
case hello in h*o) echo matched;; *) echo not;; esac; case x in y|x) echo two;; esac
%%
if false; then echo a; elif true; then echo b; else echo c; fi
%%
f() { echo "$1 of $#: $@"; return 5; }; f a b c; echo $?
%%
f() { [ $1 -le 1 ] && { echo 1; return; }; echo $(($1 * $(f $(($1 - 1))))); }; f 6
%%
f() { echo function; }; f | cat; x=$(f); echo "[$x]"
%%
set -- a 'b c' d; for i; do echo "[$i]"; done; shift; echo $1 $#
%%
x=hello; echo ${#x} ${x%l*} ${x%%l*} ${x#*l} ${x##*l} ${y:-default} ${x:+set}
%%
echo ${missing:?it is missing}; echo never
%%
echo $((1 + 2 * 3)) $((7 / 2)) $((7 % 3)) $((1 << 4)) $((5 > 3 && 2 > 1)) $((-7 / 2))
%%
x='a b'; echo $x "$x" '$x' \$x; IFS=:; y=1:2:3; echo $y
%%
echo a; false && echo b || echo c; ! true; echo $?
%%
true && (false || exit 4); echo $?
%%
set -e; false; echo never
%%
set -u; echo $undefined; echo never
%%
missing-command; echo $?
%%
exec seq 3; echo never
%%
exec cat < /dev/null; echo never
%%
exec > file; echo written; exec > /dev/null; echo lost
%%
exec 5> file; echo five >&5; exec 5>&-; cat file
%%
echo input > file; exec 3< file; read x <&3; echo "[$x]"; exec 3<&-
%%
read a b <<END
one two three
END
echo "$b/$a"
%%
eval 'x=5; echo $x'; y='echo evaluated'; eval $y
%%
. ./none 2>/dev/null; echo never
%%
echo 'echo sourced $x' > file; x=1; . ./file
%%
X=exported; export X; (echo $X); X=once; echo $X
%%
: > file; test -f file && echo there; [ -d . ] && echo directory; [ -s file ] || echo empty
%%
echo b > b; echo a > a; echo *; for i in *; do cat $i; done; echo [ab] ?
%%
type cat > /dev/null; echo $?; command -v echo; alias x=y 2>/dev/null; echo $?
%%
x=1; readonly x; (x=2) 2>/dev/null; echo $?; unset y; echo ok
%%
echo $#; echo "${PWD##*/}" | wc -l; echo $- | wc -l
%%
getopts ab: o -a -b x; echo $o; getopts ab: o -a -b x; echo $o $OPTARG
%%
kill -l 9; kill -0 $$; echo $?
%%
{ sleep 0.02; echo late; } & echo early; wait; echo end
%%
(seq 3; sleep 0.02; seq 4 5) | (read a; read b; echo $a $b; cat)
%%
x=$(seq 1 3000); echo "$x" | wc -c
%%
for i in 1 2 3 4 5 6 7 8 9 10; do echo $(echo $(echo $i)); done
%%
test 1 -eq 1 -a 2 -gt 1; echo $?; [ abc = abc ]; echo $?; [ -z '' ] && [ -n x ]; echo $?
"""

# For bash alone.
BASH_SCRIPTS = r"""
a=(one two three); echo ${a[1]} ${#a[@]} "${a[@]:1}"
%%
for ((i = 0; i < 3; i++)); do echo $i; done
%%
[[ hello == h*o && abc =~ ^a(.)c$ ]] && echo ${BASH_REMATCH[1]}
%%
x=hello; echo ${x/l/L} ${x//l/L} ${x:1:3} ${x^^}
%%
echo {a,b}{1..3}
%%
cat <<< "a here-string"
%%
declare -A m; m[k]=v; m[j]=w; echo ${m[k]} ${#m[@]}
%%
f() { local x=inner; echo $x; }; x=outer; f; echo $x
%%
printf -v x '%05d' 42; echo $x; echo $((2 ** 10))
%%
set -o pipefail; true | false; echo $?
%%
(echo out; echo err >&2) |& sort; (echo a; echo b >&2) &> file; sort < file
%%
read -a words <<< "x y z"; echo ${words[2]}; mapfile -t lines < <(seq 3); echo ${lines[1]}
%%
select=1; let x=3+4; echo $x; ((x > 5)) && echo more; echo $'tab\there'
%%
trap 'echo ERR' ERR; false; echo after; trap 'echo D' DEBUG; true
%%
coproc_free=1; x=$(< /dev/null); echo "[$x]"; echo ${!x*} | wc -l
"""


def scripts(shell: str) -> list[str]:
    """The scripts for a shell of this name."""
    texts = SCRIPTS + "%%" + BASH_SCRIPTS if "bash" in shell else SCRIPTS
    return [each.strip("\n") for each in texts.split("\n%%")]


def run_guest(module: pywasix.GuestModule, script: str) -> tuple[int, bytes]:
    """What the guest's shell makes of a script."""
    with tempfile.TemporaryDirectory() as directory:
        done = pywasix.run(
            [module, "-c", script],
            volumes=[f"{directory}:/work"],
            cwd="/work",
            env={"PATH": "/bin"},
            commands=_COMMANDS,
            stdin=pywasix.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
        )
    return done.returncode, done.stdout


def run_native(shell: str, script: str) -> tuple[int, bytes]:
    """What the operating system's shell makes of it."""
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [shell, "-c", script],
            cwd=directory,
            env={"PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    return done.returncode, done.stdout


def main() -> int:
    """Compare; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("module", help="the shell as a .wasm file")
    parser.add_argument("shell", help="the operating system's")
    parser.add_argument("--only", default="")
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    module = pywasix.load(given.module)
    chosen = [each for each in scripts(given.shell) if given.only in each]
    equal = 0
    for script in chosen:
        expected, got = run_native(given.shell, script), run_guest(module, script)
        equal += expected == got
        if given.show or expected != got:
            print(f"{'equal' if expected == got else 'DIFFERENT'}: {script}\n  native {expected}\n  guest  {got}")
    print(f"{equal} of {len(chosen)} scripts are equal")
    return equal != len(chosen)


if __name__ == "__main__":
    sys.exit(main())
