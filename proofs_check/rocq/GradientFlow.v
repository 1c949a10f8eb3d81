(* What the exported theorems are written with, and the steps their proofs take. The standard library of the reals is all that is used.

   Of this file a reader of a theorem needs the definitions of [sum] and [update]; the rest is proved here. *)
From Coq Require Import Reals Lra Lia Arith.
Open Scope R_scope.

(* f 0 + ... + f (n - 1) *)
Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with
  | O => 0
  | S m => sum m f + f m
  end.

(* The vector x with h in place of its entry i. *)
Definition update (x : nat -> R) (i : nat) (h : R) : nat -> R :=
  fun j => if Nat.eqb j i then h else x j.

(* ---- Sums ---- *)

Lemma sum_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> sum n f = sum n g.
Proof. induction n; cbn; intros E; [reflexivity | rewrite IHn, E; auto]. Qed.

Lemma sum_plus n f g : sum n (fun i => f i + g i) = sum n f + sum n g.
Proof. induction n; cbn; [ring | rewrite IHn; ring]. Qed.

Lemma sum_scal n c f : sum n (fun i => c * f i) = c * sum n f.
Proof. induction n; cbn; [ring | rewrite IHn; ring]. Qed.

Lemma sum_zero n : sum n (fun _ => 0) = 0.
Proof. induction n; cbn; [ring | rewrite IHn; ring]. Qed.

Lemma sum_swap n m f : sum n (fun i => sum m (fun k => f i k)) = sum m (fun k => sum n (fun i => f i k)).
Proof.
  induction n; cbn; [now rewrite sum_zero | rewrite IHn; now rewrite <- sum_plus].
Qed.

Lemma sum_pos n f : (0 < n)%nat -> (forall i, (i < n)%nat -> 0 < f i) -> 0 < sum n f.
Proof.
  induction n as [|n IH]; [lia | intros _ P; cbn].
  destruct n as [|n]; [cbn; rewrite Rplus_0_l; apply P; lia |].
  apply Rplus_lt_0_compat; [apply IH; [lia | intros; apply P; lia] | apply P; lia].
Qed.

Lemma update_same x i h : update x i h i = h.
Proof. unfold update; now rewrite Nat.eqb_refl. Qed.

(* ---- Derivatives: one rule for each way a function is written ---- *)

Lemma dpl_eq f t a b : derivable_pt_lim f t a -> a = b -> derivable_pt_lim f t b.
Proof. now intros D <-. Qed.

Lemma dpl_const c t : derivable_pt_lim (fun _ => c) t 0.
Proof. exact (derivable_pt_lim_const c t). Qed.

Lemma dpl_id t : derivable_pt_lim (fun s => s) t 1.
Proof. exact (derivable_pt_lim_id t). Qed.

Lemma dpl_plus f g t a b : derivable_pt_lim f t a -> derivable_pt_lim g t b -> derivable_pt_lim (fun s => f s + g s) t (a + b).
Proof. exact (derivable_pt_lim_plus f g t a b). Qed.

Lemma dpl_minus f g t a b : derivable_pt_lim f t a -> derivable_pt_lim g t b -> derivable_pt_lim (fun s => f s - g s) t (a - b).
Proof. exact (derivable_pt_lim_minus f g t a b). Qed.

Lemma dpl_opp f t a : derivable_pt_lim f t a -> derivable_pt_lim (fun s => - f s) t (- a).
Proof. exact (derivable_pt_lim_opp f t a). Qed.

Lemma dpl_mult f g t a b : derivable_pt_lim f t a -> derivable_pt_lim g t b -> derivable_pt_lim (fun s => f s * g s) t (a * g t + f t * b).
Proof. exact (derivable_pt_lim_mult f g t a b). Qed.

Lemma dpl_div f g t a b :
  g t <> 0 -> derivable_pt_lim f t a -> derivable_pt_lim g t b -> derivable_pt_lim (fun s => f s / g s) t (a / g t - f t * b / (g t * g t)).
Proof.
  intros P D E. apply (dpl_eq _ _ _ _ (derivable_pt_lim_div f g t a b D E P)). unfold Rsqr. now field.
Qed.

Lemma dpl_inv f t a : f t <> 0 -> derivable_pt_lim f t a -> derivable_pt_lim (fun s => / f s) t (- a / (f t * f t)).
Proof.
  intros P D. apply (derivable_pt_lim_ext (fun s => 1 / f s)); [intros s; apply Rmult_1_l |].
  apply (dpl_eq _ _ _ _ (dpl_div (fun _ => 1) f t 0 a P (dpl_const 1 t) D)). now field.
Qed.

Lemma dpl_pow f n t a : derivable_pt_lim f t a -> derivable_pt_lim (fun s => f s ^ n) t (INR n * f t ^ pred n * a).
Proof. intros D. exact (derivable_pt_lim_comp f (fun x => x ^ n) t a _ D (derivable_pt_lim_pow (f t) n)). Qed.

Lemma dpl_exp f t a : derivable_pt_lim f t a -> derivable_pt_lim (fun s => exp (f s)) t (exp (f t) * a).
Proof. intros D. exact (derivable_pt_lim_comp f exp t a _ D (derivable_pt_lim_exp (f t))). Qed.

Lemma dpl_ln f t a : 0 < f t -> derivable_pt_lim f t a -> derivable_pt_lim (fun s => ln (f s)) t (a / f t).
Proof.
  intros P D. apply (dpl_eq _ _ _ _ (derivable_pt_lim_comp f ln t a _ D (derivable_pt_lim_ln (f t) P))). field; lra.
Qed.

Lemma dpl_sqrt f t a : 0 < f t -> derivable_pt_lim f t a -> derivable_pt_lim (fun s => sqrt (f s)) t (a * sqrt (f t) / (2 * f t)).
Proof.
  intros P D. apply (dpl_eq _ _ _ _ (derivable_pt_lim_comp f sqrt t a _ D (derivable_pt_lim_sqrt (f t) P))).
  assert (Q := sqrt_lt_R0 _ P). assert (E := sqrt_sqrt (f t) ltac:(lra)).
  apply (Rmult_eq_reg_r (2 * f t * sqrt (f t))); [| apply Rgt_not_eq; nra].
  transitivity (a * f t); [field; lra |]. rewrite <- E at 1. field; lra.
Qed.

Lemma dpl_Rpower f p t a : 0 < f t -> derivable_pt_lim f t a -> derivable_pt_lim (fun s => Rpower (f s) p) t (p * Rpower (f t) p / f t * a).
Proof.
  intros P D. apply (dpl_eq _ _ _ _ (derivable_pt_lim_comp f (fun x => Rpower x p) t a _ D (derivable_pt_lim_power (f t) p P))).
  unfold Rminus. rewrite Rpower_plus, Rpower_Ropp, Rpower_1 by assumption. field; lra.
Qed.

Lemma dpl_sin f t a : derivable_pt_lim f t a -> derivable_pt_lim (fun s => sin (f s)) t (cos (f t) * a).
Proof. intros D. exact (derivable_pt_lim_comp f sin t a _ D (derivable_pt_lim_sin (f t))). Qed.

Lemma dpl_cos f t a : derivable_pt_lim f t a -> derivable_pt_lim (fun s => cos (f s)) t (- sin (f t) * a).
Proof. intros D. exact (derivable_pt_lim_comp f cos t a _ D (derivable_pt_lim_cos (f t))). Qed.

Lemma dpl_Rabs f t a : f t <> 0 -> derivable_pt_lim f t a -> derivable_pt_lim (fun s => Rabs (f s)) t (Rabs (f t) / f t * a).
Proof.
  intros P D. apply (derivable_pt_lim_comp f Rabs t a); [exact D |].
  destruct (Rdichotomy _ _ P) as [N | N].
  - apply (dpl_eq _ _ (-1)); [now apply Rabs_derive_2 | rewrite Rabs_left by assumption; now field].
  - apply (dpl_eq _ _ 1); [now apply Rabs_derive_1 | rewrite Rabs_right by lra; field; lra].
Qed.

Lemma dpl_sum n (f : nat -> R -> R) t a :
  (forall i, (i < n)%nat -> derivable_pt_lim (f i) t (a i)) -> derivable_pt_lim (fun s => sum n (fun i => f i s)) t (sum n a).
Proof.
  induction n as [|n IH]; cbn; intros D; [apply dpl_const |].
  apply (dpl_plus (fun s => sum n (fun i => f i s)) (f n)); [apply IH; intros; apply D; lia | apply D; lia].
Qed.

(* A function whose derivative vanishes on an interval is constant there. *)
Lemma constant_of_derivative (f : R -> R) t0 t1 :
  (forall t, t0 < t < t1 -> derivable_pt_lim f t 0) -> forall s t, t0 < s < t1 -> t0 < t < t1 -> f s = f t.
Proof.
  intros D.
  assert (W : forall s t, t0 < s < t1 -> t0 < t < t1 -> s < t -> f s = f t).
  { intros s t Hs Ht L. destruct (MVT_cor2 f (fun _ => 0) s t L) as [c [E _]]; [intros c Hc; apply D; lra | lra]. }
  intros s t Hs Ht. destruct (Rtotal_order s t) as [L | [-> | L]]; [now apply W | reflexivity | symmetry; now apply W].
Qed.

(* ---- Equations ---- *)

Lemma ln_sqrt x : 0 < x -> ln (sqrt x) = ln x / 2.
Proof.
  intros P. assert (Q := sqrt_lt_R0 _ P). assert (E : ln (sqrt x * sqrt x) = ln x) by (rewrite sqrt_sqrt; lra).
  rewrite ln_mult in E by assumption. lra.
Qed.

Lemma ln_div x y : 0 < x -> 0 < y -> ln (x / y) = ln x - ln y.
Proof. intros P Q. unfold Rdiv. rewrite ln_mult, ln_Rinv; [ring | assumption | assumption | now apply Rinv_0_lt_compat]. Qed.

Lemma positive_factor p q : 0 < p -> 0 < p * q -> 0 < q.
Proof. intros P Q. apply (Rmult_lt_reg_l p); [exact P | now rewrite Rmult_0_r]. Qed.

(* A hypothesis e = 0 multiplied by a denominator. *)
Lemma zero_times e n d : e = 0 -> n = d * e -> n = 0.
Proof. intros -> ->. ring. Qed.

(* a and b differ by q, and q vanishes. *)
Lemma equal_up_to a b q : a - b = q -> q = 0 -> a = b.
Proof. intros E Q. rewrite Q in E. lra. Qed.

(* ---- Tactics ---- *)

(* From a known x <> 0, that of the same polynomial written otherwise. *)
Ltac gf_nonzero := match goal with H : ?x <> 0 |- ?y <> 0 => solve [replace y with x by ring; exact H | replace y with (- x) by ring; lra] end.

Ltac gf_known := solve [assumption | lra | match goal with H : forall _, _ |- _ => apply H; solve [assumption | lia] end].

(* Signs of products, powers and sums of what is known to be positive. *)
Ltac gf_pos :=
  lazymatch goal with
  | |- 0 < exp _ => apply exp_pos
  | |- 0 < Rpower _ _ => apply exp_pos
  | |- 0 < INR _ => apply lt_0_INR; first [assumption | unfold lt in *; lia]
  | |- 0 < _ * _ => first [solve [apply Rmult_lt_0_compat; gf_pos] | gf_known]
  | |- 0 < _ / _ => first [solve [apply Rdiv_lt_0_compat; gf_pos] | gf_known]
  | |- 0 < / _ => apply Rinv_0_lt_compat; gf_pos
  | |- 0 < _ ^ _ => first [solve [apply pow_lt; gf_pos] | gf_known]
  | |- 0 < Rabs _ => apply Rabs_pos_lt; first [gf_known | gf_nonzero]
  | |- 0 < sqrt _ => apply sqrt_lt_R0; gf_pos
  | |- 0 < sum _ _ => first [solve [apply sum_pos; [assumption || lia | intros; gf_pos]] | gf_known]
  | |- 0 < 0 + _ => rewrite Rplus_0_l; gf_pos
  | |- 0 < _ + _ => first [assumption | solve [apply Rplus_lt_0_compat; gf_pos] | gf_known]
  | |- _ => gf_known
  end.

Ltac gf_nz :=
  repeat split;
  first
    [ assumption
    | apply Rgt_not_eq; unfold Rgt; solve [gf_pos]
    | match goal with H : forall _, _ |- _ => apply H; solve [assumption | lia] end
    | let Z := fresh in intro Z; match goal with H : 0 < _ |- _ => rewrite Z in H; exfalso; lra end
    | gf_nonzero
    | lra
    | apply pow_nonzero; gf_nz
    | apply Rmult_integral_contrapositive_currified; gf_nz ].

(* The derivative of what stands under the binder, by its form. *)
Ltac gf_derive :=
  lazymatch goal with
  | |- derivable_pt_lim (fun _ => ?c) _ _ => apply dpl_const
  | |- derivable_pt_lim (fun s => s) _ _ => apply dpl_id
  | |- derivable_pt_lim (fun s => @?f s + @?g s) _ _ => apply (dpl_plus f g); gf_derive
  | |- derivable_pt_lim (fun s => @?f s - @?g s) _ _ => apply (dpl_minus f g); gf_derive
  | |- derivable_pt_lim (fun s => - @?f s) _ _ => apply (dpl_opp f); gf_derive
  | |- derivable_pt_lim (fun s => @?f s * @?g s) _ _ => apply (dpl_mult f g); gf_derive
  | |- derivable_pt_lim (fun s => @?f s / @?g s) _ _ => apply (dpl_div f g); [cbv beta; gf_nz | gf_derive | gf_derive]
  | |- derivable_pt_lim (fun s => / @?f s) _ _ => apply (dpl_inv f); [cbv beta; gf_nz | gf_derive]
  | |- derivable_pt_lim (fun s => @?f s ^ ?n) _ _ => apply (dpl_pow f n); gf_derive
  | |- derivable_pt_lim (fun s => exp (@?f s)) _ _ => apply (dpl_exp f); gf_derive
  | |- derivable_pt_lim (fun s => ln (@?f s)) _ _ => apply (dpl_ln f); [cbv beta; gf_pos | gf_derive]
  | |- derivable_pt_lim (fun s => sqrt (@?f s)) _ _ => apply (dpl_sqrt f); [cbv beta; gf_pos | gf_derive]
  | |- derivable_pt_lim (fun s => Rpower (@?f s) ?p) _ _ => apply (dpl_Rpower f p); [cbv beta; gf_pos | gf_derive]
  | |- derivable_pt_lim (fun s => Rabs (@?f s)) _ _ => apply (dpl_Rabs f); [cbv beta; gf_nz | gf_derive]
  | |- derivable_pt_lim (fun s => sin (@?f s)) _ _ => apply (dpl_sin f); gf_derive
  | |- derivable_pt_lim (fun s => cos (@?f s)) _ _ => apply (dpl_cos f); gf_derive
  | |- derivable_pt_lim (fun s => sum ?n (fun i => @?f s i)) _ _ =>
      first [eassumption | apply (dpl_sum n (fun i s => f s i)); let i := fresh "i" in let Hi := fresh "Hi" in intros i Hi; cbv beta; gf_derive]
  | |- _ => solve [eassumption | match goal with H : forall _, _ |- _ => eapply H; solve [eassumption | lia] end]
  end.

(* The logarithm of a product of powers, taken apart. *)
Ltac gf_ln :=
  repeat
    match goal with
    | |- context [ln (?a * ?b)] => rewrite (ln_mult a b) by gf_pos
    | |- context [ln (?a / ?b)] => rewrite (ln_div a b) by gf_pos
    | |- context [ln (/ ?a)] => rewrite (ln_Rinv a) by gf_pos
    | |- context [ln (?a ^ ?n)] => rewrite (ln_pow a) by gf_pos
    | |- context [ln (sqrt ?a)] => rewrite (ln_sqrt a) by gf_pos
    | |- context [ln (Rpower ?a ?b)] => rewrite (ln_Rpower a b)
    | |- context [ln (exp ?a)] => rewrite (ln_exp a)
    | |- context [ln 1] => rewrite ln_1
    end;
  cbn [INR].

(* a = b for positive a and b that are products of powers: their logarithms are equal. *)
Ltac gf_by_ln := apply ln_inv; [gf_pos | gf_pos | gf_ln; try ring; field; gf_nz].

(* An identity between fractions whose denominators are known not to vanish. *)
Ltac gf_field := try reflexivity; try ring; field; gf_nz.

(* sin^2 + cos^2 = 1. *)
Ltac gf_circle := match goal with |- context [sin ?a] => generalize (sin2_cos2 a); unfold Rsqr; intros S; cbn [pow]; lra end.
