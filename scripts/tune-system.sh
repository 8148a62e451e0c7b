#!/bin/sh
# Raises the kernel settings and the limit of open files that hawkeye's performance guide asks for, makes
# them last, and takes them back.
#
#   scripts/tune-system.sh [--check]        tell what is lower than the guide asks for; change nothing
#   sudo scripts/tune-system.sh --apply     raise it, now and for the next boot
#   sudo scripts/tune-system.sh --revert    put back what was there before
#
#   --user NAME     limits of open files for this user only (32768), not for everybody (65536)
#   --root PREFIX   tune the system in this directory, such as an image that is being built
#
# A higher value is never lowered. --apply twice does what once does. Settings go to
# /etc/sysctl.d/90-hawkeye.conf, limits to /etc/security/limits.d/90-hawkeye.conf; the values from before
# stand in them as "# was NAME = VALUE". A file of that name that is not ours is kept beside it with the
# ending .before-hawkeye, and comes back with --revert.
#
# Exit codes: 0 all is as the guide asks for, or was done; 1 something is lower (--check) or could not be
# done (--apply, --revert); 2 wrong usage.
set -eu

SETTINGS='net.core.rmem_max=134217728
net.core.wmem_max=134217728
net.ipv4.tcp_window_scaling=1
net.ipv4.tcp_timestamps=1
net.ipv4.tcp_sack=1
net.netfilter.nf_conntrack_max=262144'

# The same first lines that "hawkeye preflight --fix" writes.
MARK='# Kernel settings for hawkeye, from its performance guide.'
HEAD='# Written by tune-system.sh --apply or hawkeye preflight --fix; tune-system.sh --revert takes them back.'
LIMITS_MARK='# Open files for hawkeye, from its performance guide.'
LIMITS_HEAD='# Written by tune-system.sh --apply; tune-system.sh --revert removes it.'

problems=0
say() { printf '%s\n' "$*"; }
warn() { printf 'tune-system.sh: %s\n' "$*" >&2; }
problem() { warn "$*"; problems=1; }
usage() { warn "$* (see the head of this script)"; exit 2; }

action=
root=
user='*'
while [ $# -gt 0 ]; do
  case $1 in
    --check | --apply | --revert)
      [ -z "$action" ] || usage "$1 and --$action exclude each other"
      action=${1#--}
      ;;
    --root | --user)
      if [ $# -lt 2 ] || [ -z "$2" ]; then usage "$1 needs a value"; fi
      if [ "$1" = --root ]; then root=${2%/}; else user=$2; fi
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//;p;}' "$0"
      exit 0
      ;;
    *) usage "unknown option $1" ;;
  esac
  shift
done
action=${action:-check}
case $user in
  '*') files=65536 ;;
  *[!A-Za-z0-9._-]* | -*) usage "--user $user: no name of a user" ;;
  *) files=32768 ;;
esac
[ -z "$root" ] || [ -d "$root" ] || usage "--root $root: no such directory"

sysctl_file=$root/etc/sysctl.d/90-hawkeye.conf
limits_file=$root/etc/security/limits.d/90-hawkeye.conf

if [ "$action" != check ] && [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
  warn "--$action needs root (sudo $0 --$action); nothing was changed"
  exit 1
fi

is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; }

higher() { if [ "$1" -ge "$2" ]; then echo "$1"; else echo "$2"; fi; }

ours() { [ -f "$1" ] && [ "$(sed -n 1p "$1")" = "$2" ]; }

path_of() { printf '%s/proc/sys/%s' "$root" "$(printf %s "$1" | tr . /)"; }

# The value of setting $1 now; nothing where the kernel has no such setting.
current() {
  value=$(cat "$(path_of "$1")" 2>/dev/null) || value=
  is_number "$value" || value=
  printf %s "$value"
}

# The last value after "$2" and an equals sign in file $1.
assigned() {
  sed -n "s|^$2 = \([0-9][0-9]*\)\$|\1|p" "$1" 2>/dev/null | tail -n 1
}

# The highest value that any other file keeps for the next boot; 0 where none does.
kept_elsewhere() {
  best=0
  name=$(printf %s "$1" | sed 's|\.|[./]|g')
  for file in "$root"/etc/sysctl.conf "$root"/etc/sysctl.d/*.conf "$root"/run/sysctl.d/*.conf \
    "$root"/usr/lib/sysctl.d/*.conf; do
    if [ ! -f "$file" ] || [ "$file" = "$sysctl_file" ]; then continue; fi
    value=$(sed -n "s|^ *-\{0,1\}${name} *= *\([0-9][0-9]*\) *\$|\1|p" "$file" | sort -n | tail -n 1)
    best=$(higher "$best" "${value:-0}")
  done
  printf %s "$best"
}

# Puts the text on standard input at $1, beside first; keeps a file that does not begin with $2.
put() {
  mkdir -p "${1%/*}" || return 1
  if [ -f "$1" ] && ! ours "$1" "$2"; then
    mv -f "$1" "$1.before-hawkeye" || return 1
    say "kept: $1.before-hawkeye"
  fi
  (umask 022 && cat >"$1.new") || return 1
  mv -f "$1.new" "$1"
}

# Writes $2 to setting $1; says why not.
set_now() {
  path=$(path_of "$1")
  if (printf '%s\n' "$2" >"$path") 2>/dev/null && [ "$(current "$1")" = "$2" ]; then
    return 0
  fi
  if [ ! -w "$path" ]; then
    problem "$1: $root/proc/sys is read-only here, as in a container; run this on the host itself"
  else
    problem "$1: the kernel refuses $2"
  fi
  return 1
}

check_settings() {
  for pair in $SETTINGS; do
    name=${pair%%=*} want=${pair#*=}
    now=$(current "$name")
    if [ -z "$now" ]; then
      case $name in
        net.netfilter.*) say "absent   $name (the module nf_conntrack is not loaded: nothing to raise)" ;;
        *) say "absent   $name (this kernel or container does not show it)" ;;
      esac
    elif [ "$now" -ge "$want" ]; then
      say "ok       $name = $now"
    else
      say "low      $name = $now, the guide asks for $want"
      problems=1
    fi
  done
}

apply_settings() {
  text=
  for pair in $SETTINGS; do
    name=${pair%%=*} want=${pair#*=}
    now=$(current "$name")
    if [ -z "$now" ]; then
      say "absent   $name"
      continue
    fi
    was=
    if ours "$sysctl_file" "$MARK"; then
      if [ -n "$(assigned "$sysctl_file" "$name")" ]; then
        was=$(assigned "$sysctl_file" "# was $name")
        was=${was:-$now}
      fi
    fi
    # What is high enough already is nobody's to write down, unless we did so before.
    if [ -z "$was" ] && [ "$now" -ge "$want" ]; then
      say "ok       $name = $now"
      continue
    fi
    to=$(higher "$(higher "$want" "$now")" "$(kept_elsewhere "$name")")
    if [ "$now" -lt "$to" ]; then
      set_now "$name" "$to" || continue
      say "raised   $name = $to (was $now)"
    else
      say "ok       $name = $now"
    fi
    text="$text# was $name = ${was:-$now}
$name = $to
"
  done
  [ -n "$text" ] || return 0
  text="$MARK
$HEAD
$text"
  if [ -f "$sysctl_file" ] && [ "$(cat "$sysctl_file")" = "${text%?}" ]; then
    return 0
  fi
  if printf %s "$text" | put "$sysctl_file" "$MARK"; then
    say "written  $sysctl_file"
  else
    problem "$sysctl_file: cannot be written"
  fi
}

revert_settings() {
  if ours "$sysctl_file" "$MARK"; then
    for pair in $SETTINGS; do
      name=${pair%%=*}
      set_to=$(assigned "$sysctl_file" "$name")
      was=$(assigned "$sysctl_file" "# was $name")
      now=$(current "$name")
      if [ -z "$set_to" ] || [ -z "$was" ] || [ -z "$now" ] || [ "$now" = "$was" ]; then continue; fi
      # Somebody has changed it since: theirs stays.
      if [ "$now" != "$set_to" ]; then
        say "left     $name = $now (changed since)"
      elif set_now "$name" "$was"; then
        say "reverted $name = $was (was $now)"
      fi
    done
  fi
  remove "$sysctl_file" "$MARK"
}

remove() {
  if ours "$1" "$2"; then
    if rm -f "$1"; then say "removed  $1"; else problem "$1: cannot be removed"; fi
  fi
  if [ -f "$1.before-hawkeye" ] && [ ! -e "$1" ]; then
    if mv -f "$1.before-hawkeye" "$1"; then say "restored $1"; else problem "$1: cannot be restored"; fi
  fi
}

# The highest limit of kind $1 (soft or hard) that this process has or any other file gives our user.
limit_elsewhere() {
  best=$(sed -n 's/^Max open files *\([0-9]*\) *\([0-9]*\) .*/soft \1 hard \2/p' /proc/self/limits 2>/dev/null |
    sed "s/.*$1 \([0-9]*\).*/\1/")
  is_number "$best" || best=0
  for file in "$root"/etc/security/limits.conf "$root"/etc/security/limits.d/*.conf; do
    if [ ! -f "$file" ] || [ "$file" = "$limits_file" ]; then continue; fi
    while read -r who kind what value _; do
      if [ "${what:-}" != nofile ] || ! is_number "${value:-}"; then continue; fi
      case $who in '*' | "$user") ;; *) continue ;; esac
      case $kind in "$1" | -) best=$(higher "$best" "$value") ;; esac
    done <"$file"
  done
  printf %s "$best"
}

limits_text() {
  soft=$(higher "$files" "$(limit_elsewhere soft)")
  hard=$(higher "$soft" "$(limit_elsewhere hard)")
  printf '%s\n%s\n%s soft nofile %s\n%s hard nofile %s\n' \
    "$LIMITS_MARK" "$LIMITS_HEAD" "$user" "$soft" "$user" "$hard"
}

check_limits() {
  soft=$(limit_elsewhere soft) hard=$(limit_elsewhere hard)
  if ours "$limits_file" "$LIMITS_MARK"; then
    # In effect from the next login on.
    say "ok       open files: $limits_file"
  elif [ "$hard" -ge "$files" ] && [ "$soft" -ge "$files" ]; then
    say "ok       open files = $soft, at most $hard"
  elif [ "$hard" -ge "$files" ]; then
    say "ok       open files = $soft, at most $hard (hawkeye raises its own as far as it needs)"
  else
    say "low      open files = $soft, at most $hard; the guide asks for $files"
    problems=1
  fi
}

apply_limits() {
  if ours "$limits_file" "$LIMITS_MARK" && grep -q "^$(printf %s "$user" | sed 's/[*.]/\\&/g') hard nofile" "$limits_file"; then
    say "ok       open files: $limits_file"
    return 0
  fi
  if limits_text | put "$limits_file" "$LIMITS_MARK"; then
    say "written  $limits_file (from the next login on; services take LimitNOFILE= instead)"
  else
    problem "$limits_file: cannot be written"
  fi
}

case $action in
  check)
    check_settings
    check_limits
    [ "$problems" -eq 0 ] || say "sudo $0 --apply${root:+ --root $root} raises what is low"
    ;;
  apply)
    apply_settings
    apply_limits
    ;;
  revert)
    revert_settings
    remove "$limits_file" "$LIMITS_MARK"
    ;;
esac
exit "$problems"
