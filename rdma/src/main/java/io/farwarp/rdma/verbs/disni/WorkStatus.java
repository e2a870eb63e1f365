package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvWC.IbvWcStatus;

/** The status of a work completion, for people; ibv_poll_cq(3). */
final class WorkStatus {
  static final int IBV_WC_SUCCESS = 0;
  static final int IBV_WC_WR_FLUSH_ERR = 5;

  private static final int IBV_WC_REM_INV_REQ_ERR = 9;
  private static final int IBV_WC_REM_ACCESS_ERR = 10;
  private static final int IBV_WC_REM_OP_ERR = 11;
  private static final int IBV_WC_RETRY_EXC_ERR = 12;
  private static final int IBV_WC_RNR_RETRY_EXC_ERR = 13;

  private static final IbvWcStatus[] ALL = IbvWcStatus.values();

  private WorkStatus() {}

  static String name(int status) {
    return status >= 0 && status < ALL.length ? ALL[status].name() : "completion status " + status;
  }

  /** The peer's device refused a write because of its key or range. */
  static boolean isAccessError(int status) {
    return status == IBV_WC_REM_ACCESS_ERR
        || status == IBV_WC_REM_INV_REQ_ERR
        || status == IBV_WC_REM_OP_ERR;
  }

  /** Why a send that ended so ends the connection. */
  static String reason(int status) {
    if (isAccessError(status)) {
      return "the peer's device refused a write: " + name(status);
    }
    if (status == IBV_WC_RETRY_EXC_ERR) {
      return "the peer's device does not answer: " + name(status);
    }
    if (status == IBV_WC_RNR_RETRY_EXC_ERR) {
      return "the peer posts no receives: " + name(status);
    }
    return "a work request failed: " + name(status);
  }
}
