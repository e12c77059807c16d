"""What bash, zsh and fish run at the Tab key, and how tipi answers them.

Own lines instead of click's: bash takes ``=`` and ``:`` for ends of words, so ``fast=tr`` and ``no:wa`` never arrived
whole; no space may follow ``epochs=``; and a comma cut the texts that fish shows.
"""

from __future__ import annotations

import os

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, split_arg_string

# Every answer is one line: kind, word, help. A word that ends in "=" wants its value behind it, without a space.
BASH = """\
# nosort came with bash 4.4, compopt with 4.0
%(complete_func)s() {
    local line=${COMP_LINE:0:COMP_POINT} known= kind word help sign begun
    local typed=${line##*[[:space:]]}
    for sign in = :; do  # readline replaces only what stands behind the last of these
        [[ $COMP_WORDBREAKS == *"$sign"* && $typed == *"$sign"* ]] || continue
        begun=${typed%%"${typed##*"$sign"}"}
        (( ${#begun} > ${#known} )) && known=$begun
    done
    COMPREPLY=()
    while IFS=$'\\t' read -r kind word help; do
        case $kind in
            file) compopt -o default 2> /dev/null ;;
            plain) COMPREPLY+=("${word#"$known"}") ;;
        esac
    done < <(COMP_WORDS=$line %(complete_var)s=bash_complete "$1")
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2> /dev/null; fi
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2> /dev/null || complete -F %(complete_func)s %(prog_name)s
"""
ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local typed="${words[1,CURRENT-1]} $QIPREFIX$PREFIX" line kind word help
    local -a told plain open
    (( $+commands[%(prog_name)s] )) || return 1
    for line in "${(@f)$(COMP_WORDS=$typed %(complete_var)s=zsh_complete %(prog_name)s)}"; do
        IFS=$'\\t' read -r kind word help <<< "$line"
        if [[ $kind == file ]]; then _files
        elif [[ $word == *= ]]; then open+=("$word")
        elif [[ -n $help ]]; then told+=("${word//:/\\\\:}:$help")
        elif [[ -n $word ]]; then plain+=("$word")
        fi
    done
    (( $#told )) && _describe -V command told
    (( $#plain )) && compadd -V word -a plain
    (( $#open )) && compadd -V key -S '' -a open
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""
FISH = """\
function %(complete_func)s
    for line in (COMP_WORDS=(commandline -cp | string collect) %(complete_var)s=fish_complete %(prog_name)s)
        set -l parts (string split -m 2 \\t -- $line)
        switch $parts[1]
            case file
                __fish_complete_path (commandline -ct)
            case plain
                printf '%%s\\t%%s\\n' $parts[2] "$parts[3]"
        end
    end
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""
TEMPLATES = {"bash": BASH, "zsh": ZSH, "fish": FISH}
END = "\0"  # marks the cursor: what stands before it in its word is what was typed of that word


class Completing(ShellComplete):
    """One way to ask and to answer for all shells: the line up to the cursor, and rows of kind, word, help."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the whole words before the cursor without ``tipi``, and the word that it stands in."""
        *before, last = split_arg_string(os.environ.get("COMP_WORDS", "") + END)
        return before[1:], last.removesuffix(END)

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return one row."""
        told = " ".join((item.help or "").split())
        return f"{item.type}\t{item.value}\t{told}".rstrip("\t")


KINDS = {name: type(name, (Completing,), {"name": name, "source_template": TEMPLATES[name]}) for name in TEMPLATES}


def answer_shells() -> None:
    """Let click answer in our rows."""
    for name, kind in KINDS.items():
        add_completion_class(kind, name)
