# Sets variables from "--name VALUE" or "--name=VALUE", as Kaldi's utils/parse_options.sh:
# source it after the variables, which stand with a default and a comment each between
# "# Begin configuration section" and "# End configuration section"; --help prints them.
#
# Unlike Kaldi's it leaves the options that the script does not declare in "$@": run.sh
# takes out its own, sttatts.sh has all others. It exports those of run.sh for
# local/data.sh, and user_command, what the user typed.
# shellcheck shell=bash disable=SC2034

log() { echo "$(date '+%H:%M:%S') $*" >&2; }
die() { echo "${0##*/}: error: $*" >&2 && exit 2; }
choice() { # choice NAME WORD...: the option has to be one of the words
    local name=$1 word && shift
    for word in "$@"; do [ "${!name}" != "$word" ] || return 0; done
    die "--$name '${!name}': give one of: $*"
}
usage() { # the comment at the script's top, then its options with the values they have
    local line name value
    sed -n '2,/^# Begin configuration section/p' "$0" | sed '$d;/^# shellcheck/d;s/^# \{0,1\}//'
    while IFS= read -r line; do
        if [[ $line == "# "* ]]; then
            printf '\n%s\n' "${line#\# ---- }"
        else
            name=${line%%=*} && value=${!name} && value=${value//"${recipe_dir:-}/"/}
            [[ $value != *' '* ]] || value="\"$value\""
            [[ $line == *'# '* ]] && line="# ${line#*# }" || line=''
            printf '  %-28s%s\n' "--$name $value" "${line:+ $line}"
        fi
    done <<<"$configuration"
}

if [ -z "${user_command:-}" ]; then
    export user_command=./run.sh
    [ $# -eq 0 ] || user_command+=$(printf ' %q' "$@")
fi
# Lines "name=default  # comment" and "# ---- heading".
configuration=$(sed -n '/^# Begin configuration section/,/^# End configuration section/p' "$0" | sed '1d;$d')
declared=$(sed -n 's/^\([a-z0-9_]*\)=.*/\1/p' <<<"$configuration")
others=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage || true && others+=(--help) && break ;; # "| head" does not read all
        --?*) option=${1%%=*} && option=${option#--} && option=${option//-/_} ;;
        *) others+=("$@") && break ;;
    esac
    # A name is used as a pattern and evaluated by printf -v below.
    [[ $option =~ ^[a-z0-9_]+$ ]] || die "${1%%=*}: no option is called so; see --help"
    [ "$option" != lang ] || option=language
    words=("$1" "${@:2:1}")
    [[ $1 != *=* ]] || words=("$1")
    shift "${#words[@]}"
    if [[ $'\n'$declared$'\n' != *$'\n'$option$'\n'* ]]; then
        others+=("${words[@]}")
        continue
    fi
    [[ ${#words[@]} -eq 2 || ${words[0]} == *=* ]] || die "--$option: needs a value"
    [ ${#words[@]} -eq 2 ] || words[1]=${words[0]#*=}
    if [ "$(type -t check_option)" = function ]; then check_option "$option" "${words[1]}"; fi
    printf -v "$option" %s "${words[1]}"
done
set -- "${others[@]}"
if [ "${0##*/}" != sttatts.sh ]; then
    for option in $declared; do export "${option?}" && own_options+="$option=${!option}"$'\n'; done
    export own_options
fi
