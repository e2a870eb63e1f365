package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvQP;
import com.ibm.disni.verbs.IbvSendWR;
import com.ibm.disni.verbs.IbvSge;
import com.ibm.disni.verbs.SVCPostSend;
import java.io.IOException;
import java.nio.ByteOrder;
import java.util.LinkedList;
import java.util.List;

/**
 * A work request of one piece of memory that is built once and posted many times; posting allocates
 * nothing. What DiSNI cannot change afterwards, opcode and immediate, is fixed.
 */
final class PreparedSend {
  private final SVCPostSend call;
  private final SVCPostSend.SendWRMod request;
  private final SVCPostSend.RdmaMod remote;
  private final SVCPostSend.SgeMod local;

  private PreparedSend(SVCPostSend call) throws IOException {
    this.call = call;
    this.request = call.getWrMod(0);
    this.remote = request.getRdmaMod();
    this.local = request.getSgeMod(0);
  }

  static PreparedSend send(IbvQP queuePair) throws IOException {
    return prepare(queuePair, IbvSendWR.IBV_WR_SEND, 0);
  }

  static PreparedSend write(IbvQP queuePair) throws IOException {
    return prepare(queuePair, IbvSendWR.IBV_WR_RDMA_WRITE, 0);
  }

  static PreparedSend writeWithImmediate(IbvQP queuePair, int immediate) throws IOException {
    return prepare(queuePair, IbvSendWR.IBV_WR_RDMA_WRITE_WITH_IMM, immediate);
  }

  @SuppressWarnings("JdkObsolete") // the list that DiSNI takes
  static PreparedSend prepare(IbvQP queuePair, int opcode, int immediate) throws IOException {
    LinkedList<IbvSge> pieces = new LinkedList<>();
    pieces.add(new IbvSge());
    IbvSendWR request = new IbvSendWR();
    request.setOpcode(opcode);
    request.setImm_data(networkOrder(immediate));
    request.setSg_list(pieces);
    return new PreparedSend(queuePair.postSend(List.of(request), List.of()));
  }

  /** DiSNI hands the immediate through as the device has it, in network byte order. */
  static int networkOrder(int immediate) {
    return ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN
        ? immediate
        : Integer.reverseBytes(immediate);
  }

  PreparedSend from(long address, int lengthBytes, int key) {
    local.setAddr(address);
    local.setLength(lengthBytes);
    local.setLkey(key);
    return this;
  }

  PreparedSend to(long address, int key) {
    remote.setRemote_addr(address);
    remote.setRkey(key);
    return this;
  }

  /**
   * @param flags IBV_SEND_… bits
   */
  void post(long id, int flags) throws IOException {
    request.setWr_id(id);
    request.setSend_flags(flags);
    call.execute();
  }

  void free() {
    call.free();
  }
}
