import { decodeTypeId, encodeTypeId } from './type-ids.js';

const uuid = '01890a5d-ac96-774b-bcce-b302099a8057';
const id = 'acc_01h455vb4pex5vsknk084sn02q';

describe('an id on the wire', () => {
  it('is the prefix and the UUID in base32', () => {
    expect(encodeTypeId('acc', uuid)).toBe(id);
    expect(decodeTypeId('acc', id)).toBe(uuid);
  });

  it.each([
    ['acc_00000000000000000000000000', '00000000-0000-0000-0000-000000000000'],
    ['acc_7zzzzzzzzzzzzzzzzzzzzzzzzz', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ['acc_01jd3v5c9kqs4t7xw2m8r0g6yf', '019347b2-b133-be49-a3f7-82a230081bcf'],
  ])('may be any 128 bits: %s', (text, of) => {
    expect(decodeTypeId('acc', text)).toBe(of);
    expect(encodeTypeId('acc', of)).toBe(text);
  });

  it.each([
    ['of another kind', 'txn_01h455vb4pex5vsknk084sn02q'],
    ['without a kind', '01h455vb4pex5vsknk084sn02q'],
    ['in upper case', 'acc_01H455VB4PEX5VSKNK084SN02Q'],
    ['with a kind in upper case', 'ACC_01h455vb4pex5vsknk084sn02q'],
    ['too short', 'acc_01h455vb4pex5vsknk084sn02'],
    ['too long', 'acc_01h455vb4pex5vsknk084sn02qq'],
    ['with letters that base32 leaves out', 'acc_01h455vb4pex5vsknk084sn0il'],
    ['above the largest UUID', 'acc_81h455vb4pex5vsknk084sn02q'],
    ['with a blank', `${id} `],
    ['with nothing after the kind', 'acc_'],
    ['as a bare UUID', uuid],
    ['empty', ''],
  ])('is refused %s', (_, text) => {
    expect(decodeTypeId('acc', text)).toBeNull();
  });
});
