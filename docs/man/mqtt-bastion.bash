# Completion of mqtt-bastion's commands and options for bash. Written by the program.
_mqtt_bastion() {
  local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} words='' values=''
  # The shell parts --option=value into three words.
  if [[ $word == = ]]; then
    word=''
  elif [[ $option == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case ${COMP_WORDS[1]} in
    run) words='--help --config --ports-file --user' ;;
    check) words='--help --config --quiet --shields' ;;
    explain) words='--help --config --from --listener --mqtt --user --password --client-id --keep-alive --will --will-qos --will-retain --publish --qos --retain --subscribe' ;;
    import) words='--help --output --force --allow --observe --unix-socket' ;;
    status) words='--help --config --socket --json --watch' ;;
    reload) words='--help --config --socket' ;;
    passwd) words='--help --create --remove --batch --scheme --iterations' ;;
    health) words='--help --config --live' ;;
  esac
  case ${COMP_WORDS[1]}\ $option in
    'explain --mqtt') values='3.1 3.1.1 5.0 bridge' ;;
    'explain --password') values='right wrong none' ;;
    'explain --will-qos') values='0 1 2' ;;
    'explain --qos') values='0 1 2' ;;
    'passwd --scheme') values='pbkdf2 argon2id sha512' ;;
  esac
  if ((COMP_CWORD == 1)); then words='run check explain import status reload passwd health --help --version'; fi
  if [[ -n $values ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
  elif [[ $word == -* || $COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -o filenames -F _mqtt_bastion mqtt-bastion
