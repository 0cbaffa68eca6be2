# Reads "+ GROUP" and "- GROUP" lines. When they end, the shield is gone: the groups still named are killed.
trap '' HUP INT TERM
live=' '
while read -r sign group; do
    case $sign in
    +) live="$live$group " ;;
    -) case $live in *" $group "*) live="${live%%" $group "*} ${live#*" $group "}" ;; esac ;;
    esac
done
for group in $live; do
    kill -9 "-$group" 2>/dev/null
done
