# What mgcv makes of table.csv: Rscript make_mgcv.R, in this folder. Writes mgcv.csv: of each feature, formula and criterion the effective
# degrees of freedom of each smooth term, the restricted log-likelihood or GCV score, and the curves at the rows of the table.
library(mgcv)
table <- read.csv("table.csv")
table$site <- factor(table$site)
# The basis of attune: cubic B-splines, inner knots at quantiles of the different values, the ends four times.
knots <- function(x) { q <- quantile(unique(x), seq(0, 1, length.out = 8), names = FALSE); c(rep(q[1], 3), q, rep(q[8], 3)) }
own <- list(age = knots(table$age), bmi = knots(table$bmi))
age <- y ~ site + sex + s(age, bs = "bs", m = c(3, 2), k = 10)
formulas <- list(age = age, both = update(age, . ~ . + s(bmi, bs = "bs", m = c(3, 2), k = 10)))
out <- NULL
for (f in paste0("f", 1:8)) for (name in names(formulas)) for (method in c("REML", "GCV.Cp")) {
  table$y <- table[[f]]
  fit <- gam(formulas[[name]], data = table, knots = own, method = method, control = gam.control(epsilon = 1e-12, newton = list(conv.tol = 1e-12)))
  curves <- predict(fit, type = "terms")
  for (term in c("age", "bmi")) {
    label <- paste0("s(", term, ")")
    if (!label %in% colnames(curves)) next
    k <- which(sapply(fit$smooth, function(s) s$label) == label)
    block <- fit$smooth[[k]]$first.para:fit$smooth[[k]]$last.para
    out <- rbind(out, data.frame(feature = f, model = name, method = sub(".Cp", "", method), term = term, edf = sum(fit$edf[block]),
      score = fit$gcv.ubre[[1]], t(setNames(curves[, label], paste0("r", seq_len(nrow(table)))))))
  }
}
numbers <- sapply(out, is.numeric)
out[numbers] <- lapply(out[numbers], signif, digits = 10)
write.csv(out, "mgcv.csv", row.names = FALSE, quote = FALSE)
cat(as.character(packageVersion("mgcv")), R.version.string, "\n")
