# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_brigandine_global_optspecs
    string join \n h/help V/version
end

function __fish_brigandine_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_brigandine_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_brigandine_using_subcommand
    set -l cmd (__fish_brigandine_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c brigandine -n "__fish_brigandine_needs_command" -s h -l help -d 'Print help'
complete -c brigandine -n "__fish_brigandine_needs_command" -s V -l version -d 'Print version'
complete -c brigandine -n "__fish_brigandine_needs_command" -f -a "check" -d 'Say what is wrong with a template, and how to mend it'
complete -c brigandine -n "__fish_brigandine_needs_command" -f -a "routes" -d 'List every way in, who may pass and how fast'
complete -c brigandine -n "__fish_brigandine_needs_command" -f -a "explain" -d 'Show a rule\'s page, or why a request was refused'
complete -c brigandine -n "__fish_brigandine_needs_command" -f -a "serve" -d 'Run the application here behind the shield'
complete -c brigandine -n "__fish_brigandine_needs_command" -f -a "invoke" -d 'Run one function once'
complete -c brigandine -n "__fish_brigandine_needs_command" -f -a "token" -d 'Print a development token for a route'
complete -c brigandine -n "__fish_brigandine_needs_command" -f -a "inspect" -d 'Replay recorded requests through the firewall'
complete -c brigandine -n "__fish_brigandine_needs_command" -f -a "generate" -d 'Write the reference files that follow from the program itself'
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l format -d 'Form of the result on standard output' -r -f -a "human\t'For people: the line, the proof, the fix'
concise\t'One line per finding'
json\t'One JSON object'
sarif\t'SARIF 2.1.0, for code hosts'
junit\t'`JUnit` XML, for build servers'
github\t'Workflow commands, which GitHub shows beside the lines'
gitlab\t'GitLab\'s report of static analysis (JSON)'
codeclimate\t'Code Climate issues (JSON), for GitLab\'s code quality'"
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l profile -d 'Set of rules: `recommended`, `strict`, `launch-day`, `fsbp`, `cis`, `owasp` or `nist`' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l select -d 'Only these rules, by code' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l ignore -d 'Not these rules, by code' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l fail-on -d 'Exit with 1 from this severity on [default: high]' -r -f -a "info\t'Any finding'
low\t'Low and worse'
medium\t'Medium and worse'
high\t'High and worse'
critical\t'Critical only'
never\t'Never'"
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l as-of -d 'Judge as on this day rather than today' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l baseline -d 'Findings of this file are known and fail no run: a register, or an earlier result in JSON' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l register -d 'Keep the findings in this file: since when, whose, until when, and what became of them' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l compliance -d 'Show a framework, control by control, instead of findings: `fsbp`, `cis`, `owasp` or `nist`' -r -f -a "fsbp\t''
cis\t''
owasp\t''
nist\t''"
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l environment -d 'Judge with the parameters of an environment, from a parameter file or `samconfig.toml`; repeatable, and what holds in some of them only is marked' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l parameter -d 'Value of a template parameter; repeatable' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l parameter-file -d 'File with values of template parameters, as deployment tools keep them (JSON) or `samconfig.toml`; repeatable' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l fail-on-unjudged -d 'Exit with 1 when a fact could not be judged'
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l diff -d 'Show what the safe fixes would change, as a difference; nothing is written'
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l fix -d 'Apply the safe fixes; a fix that leaves its finding or brings another is taken back'
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -l unsafe-fixes -d 'With `--diff` or `--fix`: fixes that a person must look at, too'
complete -c brigandine -n "__fish_brigandine_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c brigandine -n "__fish_brigandine_using_subcommand routes" -l format -d 'Form of the result on standard output' -r -f -a "human\t'For people'
json\t'One JSON object'"
complete -c brigandine -n "__fish_brigandine_using_subcommand routes" -l parameter -d 'Value of a template parameter; repeatable' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand routes" -l parameter-file -d 'File with values of template parameters, as deployment tools keep them (JSON) or `samconfig.toml`; repeatable' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand routes" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c brigandine -n "__fish_brigandine_using_subcommand explain" -l request -d 'Say which rule refused the request of this id, where, and what would let it pass' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand explain" -l data -d 'Folder that `serve` keeps its record in [default: the user\'s state folder]' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand explain" -l template -d 'The template whose application it was, or the folder it lies in; not needed with `--data`' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand explain" -l format -d 'Form of the result on standard output' -r -f -a "human\t'For people'
json\t'One JSON object'"
complete -c brigandine -n "__fish_brigandine_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l listen -d 'Address to listen on; port 0 takes a free one [default: 127.0.0.1:3000]' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l invoke-listen -d 'Address on which the platform\'s own API for invoking functions is served, for its command line and kits; port 0 takes a free one' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l tls-cert -d 'Certificate chain for TLS (PEM); read again when it changes' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l tls-key -d 'Private key for TLS (PEM)' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l env-vars -d 'Environment values per function, in the form of `sam local --env-vars` (JSON)' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l aws-endpoint -d 'Where the functions\' AWS calls go' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l aws-profile -d 'Profile whose credentials the functions get' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l data -d 'Folder for logs, keys and stores [default: the user\'s state folder]' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l parameter -d 'Value of a template parameter; repeatable' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l parameter-file -d 'File with values of template parameters, as deployment tools keep them (JSON) or `samconfig.toml`; repeatable' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l invoke-open -d 'Let other machines invoke functions at `--invoke-listen`, without credentials'
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l observe -d 'Let everything pass and say what would have been refused'
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -l strict-runtime -d 'Refuse a function whose declared runtime is not installed, rather than using the nearest'
complete -c brigandine -n "__fish_brigandine_using_subcommand serve" -s h -l help -d 'Print help'
complete -c brigandine -n "__fish_brigandine_using_subcommand invoke" -l event -d 'The event (JSON); `-` reads standard input' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand invoke" -l env-vars -d 'Environment values per function, in the form of `sam local --env-vars` (JSON)' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand invoke" -l aws-endpoint -d 'Where the functions\' AWS calls go' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand invoke" -l aws-profile -d 'Profile whose credentials the functions get' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand invoke" -l data -d 'Folder for logs, keys and stores [default: the user\'s state folder]' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand invoke" -l parameter -d 'Value of a template parameter; repeatable' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand invoke" -l parameter-file -d 'File with values of template parameters, as deployment tools keep them (JSON) or `samconfig.toml`; repeatable' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand invoke" -l strict-runtime -d 'Refuse a function whose declared runtime is not installed, rather than using the nearest'
complete -c brigandine -n "__fish_brigandine_using_subcommand invoke" -s h -l help -d 'Print help'
complete -c brigandine -n "__fish_brigandine_using_subcommand token" -l route -d 'Method and path as the route table shows them' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand token" -l claim -d 'A claim of the token; repeatable. Values that are JSON are taken as JSON' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand token" -l data -d 'Folder for logs, keys and stores [default: the user\'s state folder]' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand token" -l parameter -d 'Value of a template parameter; repeatable' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand token" -l parameter-file -d 'File with values of template parameters, as deployment tools keep them (JSON) or `samconfig.toml`; repeatable' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand token" -s h -l help -d 'Print help'
complete -c brigandine -n "__fish_brigandine_using_subcommand inspect" -l rules -d '`builtin`, or a folder laid out like the Core Rule Set' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand inspect" -l paranoia -d 'Level of strictness: higher levels find more and err more often' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand inspect" -l exclude -d 'A rule not to be asked, `RULE` or `RULE VARIABLE`; repeatable' -r
complete -c brigandine -n "__fish_brigandine_using_subcommand inspect" -l requests -d 'The requests, one JSON object per line; `-` reads standard input' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand inspect" -l detect -d 'Find and tell, but refuse nothing'
complete -c brigandine -n "__fish_brigandine_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c brigandine -n "__fish_brigandine_using_subcommand generate" -l out -d 'Folder to write to' -r -F
complete -c brigandine -n "__fish_brigandine_using_subcommand generate" -s h -l help -d 'Print help'
