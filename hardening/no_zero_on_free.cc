// In place of zero_on_free.cc in builds with sanitizers.
