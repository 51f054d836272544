# Building: cmake presets through ccache. To be sourced after console.sh; needs $repository.

export CCACHE_BASEDIR=$repository CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros

# build_preset PRESET [TARGET...]: configures once, builds what changed (everything without a target).
build_preset() {
    local preset=$1
    shift
    local tree=$repository/build/$preset
    if [[ ! -f $tree/build.ninja ]]; then
        (cd "$repository" && cmake --preset "$preset") || return
    fi
    cmake --build "$tree" ${1:+--target "$@"}
}
