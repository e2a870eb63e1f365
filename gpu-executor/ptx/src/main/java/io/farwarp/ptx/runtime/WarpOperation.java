package io.farwarp.ptx.runtime;

/** What the lanes of a warp can do together. */
public enum WarpOperation {
  SYNC,
  SHFL_UP,
  SHFL_DOWN,
  SHFL_BFLY,
  SHFL_IDX,
  VOTE_ALL,
  VOTE_ANY,
  VOTE_UNI,
  VOTE_BALLOT,
  MATCH_ANY,
  MATCH_ANY_WIDE,
  MATCH_ALL,
  MATCH_ALL_WIDE,
  REDUX_ADD,
  REDUX_MIN,
  REDUX_MAX,
  REDUX_MIN_UNSIGNED,
  REDUX_MAX_UNSIGNED,
  REDUX_AND,
  REDUX_OR,
  REDUX_XOR,
  ACTIVEMASK,
  ELECT
}
