"""Completion scripts for bash, zsh and fish, which hold all words, so that completing starts no program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from seawall.cli.completion_words import OptionWords, VerbWords

_BASH = """\
# Completion of Seawall's command line in bash, as `bin/seawall completion bash` printed it.
_seawall() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} list= given=
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 ]]; then
        COMPREPLY=($(compgen -W '%(verbs)s --help' -- "$word"))
        return
    fi
    # bash takes --option=value apart at the sign
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case "$verb $before" in
%(values)s
    *)
        if [[ $word == -* ]]; then
            case $verb in
%(options)s
            esac
        else
            case $verb in
%(arguments)s
            *) return ;;
            esac
        fi
        ;;
    esac
    [[ $word == *,* ]] && given=${word%%,*},
    COMPREPLY=($(compgen -P "$given" -W "$list" -- "${word##*,}"))
}
complete -o default -F _seawall seawall
"""

_ZSH = """\
#compdef seawall
# Completion of Seawall's command line in zsh, as `bin/seawall completion zsh` printed it.
_seawall() {
    local -a verbs
    verbs=(
%(verbs)s
    )
    if (( CURRENT == 2 )); then
        _describe -t verbs verb verbs
        return
    fi
    local verb=$words[2]
    shift words
    (( CURRENT-- ))
    case $verb in
%(cases)s
    esac
}
if [ "$funcstack[1]" = _seawall ]; then
    _seawall "$@"
else
    compdef _seawall seawall
fi
"""


def bash_script(verbs: Sequence[VerbWords]) -> str:
    """Return the script for bash 4 or newer."""
    return _BASH % {
        "verbs": " ".join(verb.name for verb in verbs),
        "values": "\n".join(_bash_values(verbs)),
        "options": "\n".join(
            f"            {verb.name}) list='{' '.join(name for one in verb.options for name in one.names)}' ;;"
            for verb in verbs
        ),
        "arguments": "\n".join(
            f"            {verb.name}) list='{' '.join(verb.arguments)}' ;;" for verb in verbs if verb.arguments
        ),
    }


def _bash_values(verbs: Sequence[VerbWords]) -> Iterator[str]:
    """Yield a case for each option that takes a value: known ones are listed, files are left to bash."""
    for verb in verbs:
        for option in verb.options:
            if not option.takes_value:
                continue
            pattern = " | ".join(f"'{verb.name} {name}'" for name in option.names)
            if option.values:
                yield f"    {pattern}) list='{' '.join(option.values)}' ;;"
            elif option.takes_file:
                yield f"    {pattern}) return ;;"
            else:
                yield f"    {pattern}) compopt +o default 2>/dev/null; return ;;"


def zsh_script(verbs: Sequence[VerbWords]) -> str:
    """Return the script for zsh, as a file `_seawall` in a directory of `fpath`, or to be sourced after compinit."""
    return _ZSH % {
        "verbs": "\n".join(f"        {_quoted(f'{verb.name}:{verb.says}')}" for verb in verbs),
        "cases": "\n".join(_zsh_case(verb) for verb in verbs),
    }


def _zsh_case(verb: VerbWords) -> str:
    specs = [_zsh_option(name, option) for option in verb.options for name in option.names]
    rest = f"*:argument:({' '.join(verb.arguments)})" if verb.arguments else "*:file:_files"
    lines = " \\\n".join(f"            {_quoted(spec)}" for spec in [*specs, rest])
    return f"    {verb.name})\n        _arguments \\\n{lines}\n        ;;"


def _zsh_option(name: str, option: OptionWords) -> str:
    says = option.says.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    if not option.takes_value:
        return f"{name}[{says}]"
    words = " ".join(option.values)
    action = f"_values -s , value {words}" if option.several else f"({words})" if words else ""
    return f"{name}=[{says}]:value:{'_files' if option.takes_file else action or ' '}"


def fish_script(verbs: Sequence[VerbWords]) -> str:
    """Return the script for fish."""
    lines = [
        "# Completion of Seawall's command line in fish, as `bin/seawall completion fish` printed it.",
        *(
            f"complete -c seawall -f -n __fish_use_subcommand -a {verb.name} -d {_fish_quoted(verb.says)}"
            for verb in verbs
        ),
    ]
    for verb in verbs:
        here = f"complete -c seawall -n '__fish_seen_subcommand_from {verb.name}'"
        lines += [f"{here} {words}" for option in verb.options for words in _fish_option(option)]
        if verb.arguments:
            lines.append(f"{here} -f -a {_fish_quoted(' '.join(verb.arguments))}")
    return "\n".join(lines) + "\n"


def _fish_option(option: OptionWords) -> Iterable[str]:
    for name in option.names:
        value = ""
        if option.takes_file:
            value = " -r -F"
        elif option.takes_value:
            value = f" -x -a {_fish_quoted(' '.join(option.values))}" if option.values else " -x"
        yield f"-l {name.removeprefix('--')} -d {_fish_quoted(option.says)}{value}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: dict[str, Callable[[Sequence[VerbWords]], str]] = {
    "bash": bash_script, "zsh": zsh_script, "fish": fish_script,
}  # fmt: skip
