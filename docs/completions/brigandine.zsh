#compdef brigandine

autoload -U is-at-least

_brigandine() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_brigandine_commands" \
"*::: :->brigandine" \
&& ret=0
    case $state in
    (brigandine)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:brigandine-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
'--format=[Form of the result on standard output]:FORMAT:((human\:"For people\: the line, the proof, the fix"
concise\:"One line per finding"
json\:"One JSON object"
sarif\:"SARIF 2.1.0, for code hosts"
junit\:"\`JUnit\` XML, for build servers"
github\:"Workflow commands, which GitHub shows beside the lines"
gitlab\:"GitLab'\''s report of static analysis (JSON)"
codeclimate\:"Code Climate issues (JSON), for GitLab'\''s code quality"))' \
'--profile=[Set of rules\: \`recommended\`, \`strict\`, \`launch-day\`, \`fsbp\`, \`cis\`, \`owasp\` or \`nist\`]:NAME:_default' \
'*--select=[Only these rules, by code]:CODES:_default' \
'*--ignore=[Not these rules, by code]:CODES:_default' \
'--fail-on=[Exit with 1 from this severity on \[default\: high\]]:LEVEL:((info\:"Any finding"
low\:"Low and worse"
medium\:"Medium and worse"
high\:"High and worse"
critical\:"Critical only"
never\:"Never"))' \
'--as-of=[Judge as on this day rather than today]:YYYY-MM-DD:_default' \
'--baseline=[Findings of this file are known and fail no run\: a register, or an earlier result in JSON]:FILE:_files' \
'--register=[Keep the findings in this file\: since when, whose, until when, and what became of them]:FILE:_files' \
'--compliance=[Show a framework, control by control, instead of findings\: \`fsbp\`, \`cis\`, \`owasp\` or \`nist\`]:NAME:(fsbp cis owasp nist)' \
'*--environment=[Judge with the parameters of an environment, from a parameter file or \`samconfig.toml\`; repeatable, and what holds in some of them only is marked]:NAME=FILE:_default' \
'*--parameter=[Value of a template parameter; repeatable]:NAME=VALUE:_default' \
'*--parameter-file=[File with values of template parameters, as deployment tools keep them (JSON) or \`samconfig.toml\`; repeatable]:FILE:_files' \
'--fail-on-unjudged[Exit with 1 when a fact could not be judged]' \
'(--fix --compliance --register)--diff[Show what the safe fixes would change, as a difference; nothing is written]' \
'--fix[Apply the safe fixes; a fix that leaves its finding or brings another is taken back]' \
'--unsafe-fixes[With \`--diff\` or \`--fix\`\: fixes that a person must look at, too]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::paths -- Templates, or folders to look for templates in:_files' \
&& ret=0
;;
(routes)
_arguments "${_arguments_options[@]}" : \
'--format=[Form of the result on standard output]:FORMAT:((human\:"For people"
json\:"One JSON object"))' \
'*--parameter=[Value of a template parameter; repeatable]:NAME=VALUE:_default' \
'*--parameter-file=[File with values of template parameters, as deployment tools keep them (JSON) or \`samconfig.toml\`; repeatable]:FILE:_files' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::path -- A template, or the folder it lies in:_files' \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
'()--request=[Say which rule refused the request of this id, where, and what would let it pass]:ID:_default' \
'--data=[Folder that \`serve\` keeps its record in \[default\: the user'\''s state folder\]]:DIR:_files' \
'--template=[The template whose application it was, or the folder it lies in; not needed with \`--data\`]:PATH:_files' \
'--format=[Form of the result on standard output]:FORMAT:((human\:"For people"
json\:"One JSON object"))' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::code -- The rule'\''s code; without it, all rules are listed:_default' \
&& ret=0
;;
(serve)
_arguments "${_arguments_options[@]}" : \
'--listen=[Address to listen on; port 0 takes a free one \[default\: 127.0.0.1\:3000\]]:ADDRESS:PORT:_default' \
'--invoke-listen=[Address on which the platform'\''s own API for invoking functions is served, for its command line and kits; port 0 takes a free one]:ADDRESS:PORT:_default' \
'--tls-cert=[Certificate chain for TLS (PEM); read again when it changes]:FILE:_files' \
'--tls-key=[Private key for TLS (PEM)]:FILE:_files' \
'--env-vars=[Environment values per function, in the form of \`sam local --env-vars\` (JSON)]:FILE:_files' \
'(--aws-profile)--aws-endpoint=[Where the functions'\'' AWS calls go]:URL:_default' \
'--aws-profile=[Profile whose credentials the functions get]:NAME:_default' \
'--data=[Folder for logs, keys and stores \[default\: the user'\''s state folder\]]:DIR:_files' \
'*--parameter=[Value of a template parameter; repeatable]:NAME=VALUE:_default' \
'*--parameter-file=[File with values of template parameters, as deployment tools keep them (JSON) or \`samconfig.toml\`; repeatable]:FILE:_files' \
'--invoke-open[Let other machines invoke functions at \`--invoke-listen\`, without credentials]' \
'--observe[Let everything pass and say what would have been refused]' \
'--strict-runtime[Refuse a function whose declared runtime is not installed, rather than using the nearest]' \
'-h[Print help]' \
'--help[Print help]' \
'::path -- A template, or the folder it lies in:_files' \
&& ret=0
;;
(invoke)
_arguments "${_arguments_options[@]}" : \
'--event=[The event (JSON); \`-\` reads standard input]:FILE:_files' \
'--env-vars=[Environment values per function, in the form of \`sam local --env-vars\` (JSON)]:FILE:_files' \
'(--aws-profile)--aws-endpoint=[Where the functions'\'' AWS calls go]:URL:_default' \
'--aws-profile=[Profile whose credentials the functions get]:NAME:_default' \
'--data=[Folder for logs, keys and stores \[default\: the user'\''s state folder\]]:DIR:_files' \
'*--parameter=[Value of a template parameter; repeatable]:NAME=VALUE:_default' \
'*--parameter-file=[File with values of template parameters, as deployment tools keep them (JSON) or \`samconfig.toml\`; repeatable]:FILE:_files' \
'--strict-runtime[Refuse a function whose declared runtime is not installed, rather than using the nearest]' \
'-h[Print help]' \
'--help[Print help]' \
':function -- The function'\''s logical id:_default' \
'::path -- A template, or the folder it lies in:_files' \
&& ret=0
;;
(token)
_arguments "${_arguments_options[@]}" : \
'--route=[Method and path as the route table shows them]:METHOD PATH:_default' \
'*--claim=[A claim of the token; repeatable. Values that are JSON are taken as JSON]:NAME=VALUE:_default' \
'--data=[Folder for logs, keys and stores \[default\: the user'\''s state folder\]]:DIR:_files' \
'*--parameter=[Value of a template parameter; repeatable]:NAME=VALUE:_default' \
'*--parameter-file=[File with values of template parameters, as deployment tools keep them (JSON) or \`samconfig.toml\`; repeatable]:FILE:_files' \
'-h[Print help]' \
'--help[Print help]' \
'::path -- A template, or the folder it lies in:_files' \
&& ret=0
;;
(inspect)
_arguments "${_arguments_options[@]}" : \
'--rules=[\`builtin\`, or a folder laid out like the Core Rule Set]:RULES:_default' \
'--paranoia=[Level of strictness\: higher levels find more and err more often]:1-4:_default' \
'*--exclude=[A rule not to be asked, \`RULE\` or \`RULE VARIABLE\`; repeatable]:EXCLUSION:_default' \
'--requests=[The requests, one JSON object per line; \`-\` reads standard input]:FILE:_files' \
'--detect[Find and tell, but refuse nothing]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(generate)
_arguments "${_arguments_options[@]}" : \
'--out=[Folder to write to]:DIR:_files' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
        esac
    ;;
esac
}

(( $+functions[_brigandine_commands] )) ||
_brigandine_commands() {
    local commands; commands=(
'check:Say what is wrong with a template, and how to mend it' \
'routes:List every way in, who may pass and how fast' \
'explain:Show a rule'\''s page, or why a request was refused' \
'serve:Run the application here behind the shield' \
'invoke:Run one function once' \
'token:Print a development token for a route' \
'inspect:Replay recorded requests through the firewall' \
'generate:Write the reference files that follow from the program itself' \
    )
    _describe -t commands 'brigandine commands' commands "$@"
}
(( $+functions[_brigandine__subcmd__check_commands] )) ||
_brigandine__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'brigandine check commands' commands "$@"
}
(( $+functions[_brigandine__subcmd__explain_commands] )) ||
_brigandine__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'brigandine explain commands' commands "$@"
}
(( $+functions[_brigandine__subcmd__generate_commands] )) ||
_brigandine__subcmd__generate_commands() {
    local commands; commands=()
    _describe -t commands 'brigandine generate commands' commands "$@"
}
(( $+functions[_brigandine__subcmd__inspect_commands] )) ||
_brigandine__subcmd__inspect_commands() {
    local commands; commands=()
    _describe -t commands 'brigandine inspect commands' commands "$@"
}
(( $+functions[_brigandine__subcmd__invoke_commands] )) ||
_brigandine__subcmd__invoke_commands() {
    local commands; commands=()
    _describe -t commands 'brigandine invoke commands' commands "$@"
}
(( $+functions[_brigandine__subcmd__routes_commands] )) ||
_brigandine__subcmd__routes_commands() {
    local commands; commands=()
    _describe -t commands 'brigandine routes commands' commands "$@"
}
(( $+functions[_brigandine__subcmd__serve_commands] )) ||
_brigandine__subcmd__serve_commands() {
    local commands; commands=()
    _describe -t commands 'brigandine serve commands' commands "$@"
}
(( $+functions[_brigandine__subcmd__token_commands] )) ||
_brigandine__subcmd__token_commands() {
    local commands; commands=()
    _describe -t commands 'brigandine token commands' commands "$@"
}

if [ "$funcstack[1]" = "_brigandine" ]; then
    _brigandine "$@"
else
    compdef _brigandine brigandine
fi
