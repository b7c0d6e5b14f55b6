# Reads the options that a recipe adds to those of sttatts.sh.
#
# A run.sh declares them as sttatts.sh does its own, each with a default and a comment,
# between the lines "# <options>" and "# </options>", sources this file and calls
# read_own_options "$@". sttatts.sh is given the same words: it passes over these
# options, and does stage 1 again when one of them has changed.
# shellcheck shell=bash

own_lines() { sed -n '/^# <options>/,/^# <\/options>/p' "$0" | sed '1d;$d'; }
own_usage() {
    sed -n '2,/^# <options>/p' "$0" | sed '$d;/^# shellcheck/d;s/^# \{0,1\}//'
    own_lines | sed 's/^\([a-z0-9_]*\)=/  --\1 /'
    printf '\nall recipes\n\n'
}
# Sets the variables, and exports them for local/data.sh. Words that are wrong are left
# to sttatts.sh, which says so.
read_own_options() {
    local name value names
    names=" $(own_lines | sed -n 's/^\([a-z0-9_]*\)=.*/\1/p' | tr '\n' ' ')"
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) own_usage && break ;;
            --?*) name=${1%%=*} && name=${name#--} && name=${name//-/_} ;;
            *) break ;;
        esac
        if [[ $1 == *=* ]]; then
            value=${1#*=}
        else
            [ $# -ge 2 ] || break
            value=$2 && shift
        fi
        shift
        [[ $names != *" $name "* ]] || printf -v "$name" %s "$value"
    done
    export own_options=
    for name in $names; do
        own_options+="$name=${!name}"$'\n'
        export "${name?}"
    done
}
choice() { # choice NAME WORD...: the option has to be one of the words
    local name=$1 word && shift
    for word in "$@"; do [ "${!name}" != "$word" ] || return 0; done
    echo "run.sh: error: --$name '${!name}': give one of: $*" >&2 && exit 2
}
