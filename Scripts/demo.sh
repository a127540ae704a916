#!/usr/bin/env bash
# A first look: starts a cluster on this machine, and lets three people use it. The cluster is left running, so that
# one can go on by hand; a second run finds it there, and the people registered.
set -euo pipefail
source "$(dirname "$0")/common.sh"

step "looking for what the build needs" Scripts/setup.sh
step "building the client for release (several minutes the first time)" swift build -c release --product rookery
step "building the node for release" swift build -c release --product rookeryd
PATH=$PWD/.build/release:$PATH

# show COMMAND…: the command as one would type it.
show() {
    local word
    printf '\n$'
    for word in "$@"; do
        case $word in
            *\"*) printf " '%s'" "$word" ;;
            *[!A-Za-z0-9._/:=-]*) printf ' "%s"' "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    echo
}

failed() {
    fail "'$*' failed; 'rookery cluster status' and 'rookery cluster logs NODE' say more."
}

# say COMMAND…: shows a command and runs it.
say() {
    show "$@"
    "$@" || failed "$@"
}

# posted COMMAND…: the same with the answer in JSON; keeps the new tweet's id in $id.
posted() {
    local answer
    show "$@" --json
    answer=$("$@" --json) || failed "$@"
    echo "$answer"
    id=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])' <<<"$answer")
}

# The password is the demo's own; real ones are asked for, or come from a file.
export ROOKERY_PASSWORD=a-password-for-the-demo
enter() {
    local refusal
    show rookery register "$1"
    refusal=$(rookery register "$1" 2>&1) && echo "$refusal" && return
    echo "$refusal"
    say rookery login "$1"
}

say rookery cluster up
for name in alice bob carol; do enter "$name"; done
for name in alice bob carol; do
    for other in alice bob carol; do
        [ "$name" = "$other" ] || say rookery follow "$other" --as "$name"
    done
done

posted rookery tweet "Good morning from a cluster of my own #rookery" --as alice
first=$id
posted rookery reply "$first" "@alice good morning! How many nodes has a #rookery?" --as bob
posted rookery reply "$id" "@bob ask it: rookery cluster status" --as alice
say rookery like "$first" --as bob
say rookery like "$first" --as carol
say rookery retweet "$first" --as carol
posted rookery quote "$first" "Rooks nest together in a #rookery; so do tweets." --as carol

say rookery home --as bob
say rookery thread "$first" --as carol
say rookery search '"good morning" -from:bob' --as bob
say rookery search "#rookery nest OR nodes" --sort top --as alice
say rookery search car --users --as alice
say rookery top tweets --by likes -k 3 --as bob
say rookery top hashtags --window 1h --as bob
say rookery top terms -k 5 --as bob
say rookery trends --as carol
say rookery counters "$first" --as alice
say rookery counters --user alice --as alice
say rookery cluster status

cat <<END

The cluster goes on running. To use it yourself:

  export PATH="\$PWD/.build/release:\$PATH"
  rookery tweet "Hello" --as alice       another tweet
  rookery home --as carol                what carol sees
  rookery search nest --as carol         what was said of it; 'rookery search --help' tells what can be asked
  rookery register NAME                  somebody new; it asks for a password
  rookery --help                         everything else
  rookery cluster down                   stops it; 'rookery cluster up' starts it again with all that was said
END
