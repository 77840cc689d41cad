# SPDX-License-Identifier: Apache-2.0
# Completions of hansa for bash, made by `hansa --completion bash`.
_hansa() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= i
    local second=
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == --socket ]] && { ((i++)); continue; }
        [[ ${COMP_WORDS[i]} == -* ]] && continue
        verb=${COMP_WORDS[i]} second=${COMP_WORDS[i+1]:-}
        break
    done
    COMPREPLY=()
    case $before in
        --socket|--officer-key|--attach|--output) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --data|--mappings) COMPREPLY=($(compgen -d -- "$word")); return ;;
        --as) COMPREPLY=($(compgen -W 'cap md json' -- "$word")); return ;;
    esac
    if [[ -z $verb ]]; then
        COMPREPLY=($(compgen -W 'init key network invite join confirm members suspend resume remove quota publish import list show get export bundle tail peers reach status explain verify log --help --version' -- "$word"))
        return
    fi
    case "$verb $second" in
        'init '*) set -- '--city --slug --country --data --listen --advertise --socket --json --help --version' ;;
        'key renew') set -- '--force --yes --socket --json --help --version' ;;
        'key '*) set -- 'renew' ;;
        'network create') set -- '--name --slug --officer-key --officer-name --socket --json --help --version' ;;
        'network '*) set -- 'create' ;;
        'invite '*) set -- '--network --city --key --expires --officer-key --withdraw --socket --json --help --version' ;;
        'join '*) set -- '--socket --json --help --version' ;;
        'confirm '*) set -- '--network --fingerprint --officer-key --socket --json --help --version' ;;
        'members '*) set -- '--network --socket --json --help --version' ;;
        'suspend '*) set -- '--network --reason --cut --officer-key --socket --json --help --version' ;;
        'resume '*) set -- '--network --officer-key --socket --json --help --version' ;;
        'remove '*) set -- '--network --reason --officer-key --socket --json --help --version' ;;
        'quota '*) set -- '--network --city --officer-key --socket --json --help --version' ;;
        'publish '*) set -- 'doc call alert --network --attach --topic --mappings --socket --json --help --version' ;;
        'import '*) set -- '--network --mappings --socket --json --help --version' ;;
        'list '*) set -- 'doc call alert --network --city --topic --since --open --limit --socket --json --help --version' ;;
        'show '*) set -- '--raw --socket --json --help --version' ;;
        'get '*) set -- '--output --socket --json --help --version' ;;
        'export '*) set -- '--as --output --socket --json --help --version' ;;
        'bundle export') set -- '--network --output --since --for --split --seal --socket --json --help --version' ;;
        'bundle import') set -- '--socket --json --help --version' ;;
        'bundle '*) set -- 'export import' ;;
        'tail '*) set -- '--from --socket --json --help --version' ;;
        'peers '*) set -- '--deny --allow --socket --json --help --version' ;;
        'reach '*) set -- '--socket --json --help --version' ;;
        'status '*) set -- '--socket --json --help --version' ;;
        'explain '*) set -- '--socket --json --help --version' ;;
        'verify '*) set -- '--socket --json --help --version' ;;
        'log '*) set -- '--lines --socket --json --help --version' ;;
        *) set -- '' ;;
    esac
    COMPREPLY=($(compgen -W "$1" -- "$word"))
    [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- "$word"))
}
complete -o filenames -F _hansa hansa
