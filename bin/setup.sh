# Sourced by the commands in this directory: finds the repository and leaves a complete .venv in it.
# Usage: . setup.sh; set_up ROOT runtime|dev

# Whether .venv is complete for this lock: the common case, so no more than a comparison of files.
is_set_up() {
    [ -x "$1/.venv/bin/python" ] && [ -r "$1/.venv/.seawall-root" ] &&
        IFS= read -r set_up_for <"$1/.venv/.seawall-root" && [ "$set_up_for" = "$1" ] &&
        cmp -s "$1/requirements.lock" "$1/.venv/.seawall-runtime.lock" &&
        { [ "$2" = runtime ] || cmp -s "$1/requirements-dev.lock" "$1/.venv/.seawall-dev.lock"; }
}

can_make_venvs() {
    "$1" -I -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1)' >/dev/null 2>&1 || return 1
    new_enough=$1
    "$1" -I -c 'import ensurepip, venv' >/dev/null 2>&1
}

find_python() {
    new_enough=
    if [ -n "${SEAWALL_PYTHON:-}" ]; then
        can_make_venvs "$SEAWALL_PYTHON" && python=$SEAWALL_PYTHON && return
        if [ -z "$new_enough" ]; then
            echo "seawall: SEAWALL_PYTHON=$SEAWALL_PYTHON is no Python 3.11 or newer; set it to one, or unset it" >&2
            exit 2
        fi
    else
        for python in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
            can_make_venvs "$python" && return
        done
    fi
    if [ -n "$new_enough" ]; then
        echo "seawall: $new_enough lacks the modules venv and ensurepip; install them" \
            "(Debian, Ubuntu: apt-get install python3-venv), or name another Python in SEAWALL_PYTHON" >&2
    else
        echo "seawall: Python 3.11 or newer is needed and none was found; install one" \
            "(Debian, Ubuntu: apt-get install python3 python3-venv), or name it in SEAWALL_PYTHON" >&2
    fi
    exit 2
}

set_up() {
    is_set_up "$1" "$2" && return
    find_python
    "$python" -I "$1/bin/setup.py" "$1" "$2" || exit $?
}

# Become a command that has no more than what everybody else leaves of the processors: for a subshell, or the background.
# Linux shares these out by session first, so it gets one of its own, with the lowest priority among sessions and within.
idly() {
    command -v setsid >/dev/null || exec nice -n 19 "$@"
    # shellcheck disable=SC2016 # expanded by that shell
    exec setsid sh -c '
        { echo 19 >/proc/self/autogroup; } 2>/dev/null || true
        if chrt --idle 0 true 2>/dev/null; then exec chrt --idle 0 "$@"; else exec nice -n 19 "$@"; fi' idly "$@"
}
